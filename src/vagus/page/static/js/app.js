// The robot's page: joins the live connection with what shows it. Each part of the page has a file of its own.

import { Camera } from "./camera.js";
import { Control } from "./control.js";
import { $, put, toast } from "./dom.js";
import { Link } from "./link.js";
import { Plan } from "./plan.js";
import { Plots } from "./plots.js";
import { Status } from "./status.js";
import { Stop } from "./stop.js";
import { Talk } from "./talk.js";
import { currentLanguage, preferredLanguage, readable, setLanguage, t } from "./words.js";

const STALE_MS = 1500;

const link = new Link();
const stop = new Stop(link);
const control = new Control(link);
const status = new Status();
const plan = new Plan(() => showPlans());
const talk = new Talk(link, plan);
const plots = new Plots();
const camera = new Camera(() => look());
let hello = null;
let room = null;
let banner = null; // [key, values] of what is wrong with the connection
let roomMessage = "waitingScene";

function look() {
  link.send({ type: "watch", visible: !document.hidden, camera: camera.name });
}

function showConnection(state, trouble = null) {
  document.body.dataset.link = state;
  banner = trouble;
  const words = { connecting: "connecting", open: "connected", lost: "lost" }[state];
  put($("link-text"), hello && state === "open" ? `${t(words)} · ${t("page", { n: hello.you })}` : t(words));
  $("banner-link").hidden = banner === null;
  put($("banner-link"), banner ? t(...banner) : "");
}

/** Show plans wherever they are seen: in the talk, and the things that the robot is busy with in picture and room. */
function showPlans() {
  talk.plan();
  camera.point(plan.about);
  room?.point(plan.about);
}

async function openRoom() {
  try {
    const { Room } = await import("./room.js");
    room = new Room($("room-canvas"));
  } catch (error) {
    console.info(`No room view: ${error.message}`);
    roomMessage = "noWebgl";
  }
  if (hello) showScene();
  showRoomMessage();
}

function showScene() {
  if (!hello.scene) roomMessage = "noScene";
  else if (room) {
    roomMessage = "waitingScene";
    room.build(hello.scene);
    room.point(plan.about);
  }
  showRoomMessage();
}

function showRoomMessage() {
  const isQuiet = room?.isPlaced && hello?.scene;
  $("room-message").hidden = Boolean(isQuiet);
  put($("room-message"), t(roomMessage));
  for (const id of ["room-follow", "room-home"]) $(id).hidden = !(room && hello?.scene);
}

function choose(language) {
  setLanguage(language);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  link.send({ type: "language", value: language });
  showConnection(document.body.dataset.link, banner);
  showRoomMessage();
  for (const part of [control, status, plan, talk]) part.translate();
  plots.rebuild();
  camera.translate();
  stop.show();
}

link.addEventListener("hello", ({ detail }) => {
  hello = detail;
  document.title = `${hello.robot} · Vagus`;
  put($("robot-name"), hello.robot);
  for (const part of [control, status, camera, plan, talk, plots]) part.greet(hello);
  showScene();
  showConnection("open");
  link.send({ type: "language", value: currentLanguage() });
  look();
});
link.addEventListener("state", ({ detail }) => {
  status.update(detail);
  control.update(detail);
  plots.update(detail);
  stop.update(status.isLatched(detail), detail.is_at_rest);
});
link.addEventListener("figures", ({ detail }) => {
  plots.figures(detail);
  status.processes(detail);
});
link.addEventListener("poses", ({ detail }) => {
  if (!room) return;
  const wasPlaced = room.isPlaced;
  room.move(detail);
  if (!wasPlaced) showRoomMessage();
});
link.addEventListener("picture", ({ detail }) => camera.take(detail));
link.addEventListener("things", ({ detail }) => {
  camera.mark(detail);
  room?.mark(detail.things);
  talk.see(detail.things);
});
link.addEventListener("plans", ({ detail }) => {
  plan.take(detail);
  showPlans();
});
link.addEventListener("talk", ({ detail }) => talk.add(detail.lines, detail.lost));
link.addEventListener("notice", ({ detail }) => {
  const text = detail.name ? detail.text.replace(detail.name, readable(detail.name)) : detail.text;
  toast(text, detail.is_error);
});
link.addEventListener("close", ({ detail }) => {
  control.show({ page: null, is_granted: false });
  status.disconnect();
  showConnection("lost", detail.reason ? ["closedBanner", { reason: detail.reason }] : ["lostBanner"]);
});
link.addEventListener("stranger", () => showConnection("lost", ["strangerBanner"]));

setInterval(() => {
  if (!link.isOpen || document.hidden) return;
  const silentMs = performance.now() - link.heardMs;
  if (silentMs > STALE_MS) showConnection("open", ["staleBanner", { s: Math.round(silentMs / 1000) }]);
  else if (banner?.[0] === "staleBanner") showConnection("open");
}, 500);

document.addEventListener("visibilitychange", () => {
  if (document.hidden) control.leave();
  link.heardMs = performance.now();
  look();
});
window.addEventListener("pagehide", () => control.leave());

for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => choose(button.dataset.language));
$("room-home").addEventListener("click", () => room?.goHome());
$("room-follow").addEventListener("click", () => {
  const isOn = $("room-follow").getAttribute("aria-pressed") !== "true";
  $("room-follow").setAttribute("aria-pressed", String(isOn));
  room?.follow(isOn);
});

const tabs = [...document.querySelectorAll("[role=tab]")];
function openTab(tab) {
  for (const other of tabs) {
    const isOpen = other === tab;
    other.setAttribute("aria-selected", String(isOpen));
    other.tabIndex = isOpen ? 0 : -1;
    $(other.getAttribute("aria-controls")).hidden = !isOpen;
  }
  control.letGo();
  status.translate();
  plots.rebuild();
}
for (const tab of tabs) {
  tab.addEventListener("click", () => openTab(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    openTab(next);
    next.focus();
  });
}

choose(preferredLanguage());
showConnection("connecting");
link.connect();
openRoom();
