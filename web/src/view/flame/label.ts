// Shortens a frame's name to the room there is: first without the module, then without the class,
// last with an ellipsis. A label of two letters says nothing and is left out.

const FEWEST_CHARS = 3;
const FEWEST_WITH_ELLIPSIS = 5;

/** The longest form of `module:Class.method` within `room` characters, or "". */
export function fitLabel(name: string, room: number): string {
  if (room < FEWEST_CHARS) return "";
  if (name.length <= room) return name;
  const qualified = name.slice(name.lastIndexOf(":") + 1);
  if (qualified.length <= room) return qualified;
  const own = qualified.slice(qualified.lastIndexOf(".") + 1);
  if (own.length <= room) return own;
  return room < FEWEST_WITH_ELLIPSIS ? "" : `${own.slice(0, room - 1)}…`;
}
