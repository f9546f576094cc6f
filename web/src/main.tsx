// Starts the app in the page. Styles come in as files, never inline: see the policy of the server.

import { render } from "preact";
import "./css/tokens.css";
import "./css/base.css";
import "./css/controls.css";
import "./css/frame.css";
import "./css/timeline.css";
import "./css/views.css";
import "./css/states.css";
import { App } from "./app.tsx";
import { applyTheme } from "./state/theme.ts";

applyTheme();
const host = document.getElementById("app");
if (!host) throw new Error("index.html has no #app");
render(<App />, host);
