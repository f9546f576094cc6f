// The icons, drawn on a grid of 16 in the colour of the text around them.

import type { ComponentChildren } from "preact";

const Icon = ({
  children,
  small,
}: {
  readonly children: ComponentChildren;
  readonly small?: true;
}) => (
  <svg class={small ? "icon icon-small" : "icon"} viewBox="0 0 16 16" aria-hidden="true">
    {children}
  </svg>
);

export const Clock = () => (
  <Icon>
    <circle cx="8" cy="8" r="6" />
    <path d="M8 4.8V8l2.2 1.6" />
  </Icon>
);
export const Link = () => (
  <Icon>
    <path d="M6.5 9.5l3-3M7 4.6l1.2-1.2a2.7 2.7 0 013.9 3.9L10.9 8.5M9 11.4l-1.2 1.2a2.7 2.7 0 01-3.9-3.9l1.2-1.2" />
  </Icon>
);
export const Lens = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.2" />
    <path d="M10.2 10.2L13.5 13.5" />
  </Icon>
);
export const Download = () => (
  <Icon>
    <path d="M8 2.5v7.5M5 7.3L8 10.3l3-3M3 13h10" />
  </Icon>
);
export const Sun = () => (
  <Icon>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M3.6 12.4l1-1M11.4 4.6l1-1" />
  </Icon>
);
export const Cross = () => (
  <Icon small>
    <path d="M4.5 4.5l7 7M11.5 4.5l-7 7" />
  </Icon>
);
export const Chevron = () => (
  <Icon small>
    <path d="M4 6l4 4 4-4" />
  </Icon>
);
export const Plus = () => (
  <Icon>
    <path d="M8 3.5v9M3.5 8h9" />
  </Icon>
);
export const Back = () => (
  <Icon small>
    <path d="M10 4l-4 4 4 4" />
  </Icon>
);
export const Forth = () => (
  <Icon small>
    <path d="M6 4l4 4-4 4" />
  </Icon>
);

export const Logo = () => (
  <svg class="logo-mark" viewBox="0 0 20 20" aria-hidden="true">
    <rect class="fill-fw" x="2" y="14" width="16" height="3.4" rx="1" />
    <rect class="fill-app" x="2" y="9.6" width="11.5" height="3.4" rx="1" />
    <rect class="fill-acc" x="2" y="5.2" width="6.5" height="3.4" rx="1" />
    <rect class="fill-lib" x="14.2" y="9.6" width="3.8" height="3.4" rx="1" />
  </svg>
);
