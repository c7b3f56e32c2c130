// The kiosk's part of the page: shows a code of its own, and waits for the resident's phone.
import { element, sceneName, showHistory, showResult } from "./terminal.js";

const $ = (id) => document.getElementById(id);
const start = $("kiosk-start"), stop = $("kiosk-stop"), stage = $("kiosk-stage"), news = $("kiosk-news");
let current = null;

function say(text, state) {
  news.textContent = text;
  $("kiosk").dataset.state = state;
}

function close(text, state) {
  current = null;
  stage.hidden = true;
  stage.replaceChildren();
  stop.hidden = true;
  start.hidden = false;
  say(text, state);
}

async function asJson(address, options) {
  try {
    return await (await fetch(address, { cache: "no-store", ...options })).json();
  } catch {
    return { ok: false, state: "failed", scan: null, error: { code: "hospital.unreachable" } };
  }
}

function failed(scan) {
  showResult(scan);
  close("没有办成，请看右边的说明。", "failed");
}

function showCode({ qr_svg: svg, qr_text: text, expires_at: expiresAt }) {
  const picture = element("img");
  picture.src = `data:image/svg+xml;base64,${btoa(svg)}`;
  picture.alt = "请用手机扫这个二维码";
  const written = element("p", text, "mono");
  written.id = "kiosk-text";
  const left = element("p", "", "quiet number");
  stage.replaceChildren(picture, written, left);
  stage.hidden = false;
  const count = () => {
    if (current === null) return;
    left.textContent = `还有 ${Math.max(0, Math.round((new Date(expiresAt) - Date.now()) / 1000))} 秒`;
    setTimeout(count, 1000);
  };
  count();
}

async function hear(id) {
  while (current === id) {
    const { state, scan } = await asJson(`/hospital/authorizations/${id}`);
    if (current !== id) return;
    if (state === "waiting") continue;
    if (!scan || state === "failed") return failed(scan ?? { ok: false, status: 0, error: { code: "hospital.unreachable" } });
    showResult(scan);
    await showHistory().catch(() => {});
    const words = { approved: "居民同意了，结果在右边。", refused: "居民没有同意，什么都没有看到。", expired: "没有等到居民，码已经过期。" };
    return close(words[state] ?? "", state);
  }
}

start.addEventListener("click", async () => {
  start.hidden = true;
  say("正在要一个码…", "asking");
  const scene = $("scene").value;
  const asked = await asJson("/hospital/authorizations", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ scene, purpose: sceneName(scene) }),
  });
  if (!asked.ok) return failed({ status: 0, ...asked });
  current = asked.answer.request_id;
  stop.hidden = false;
  showCode(asked.answer);
  say("请居民打开健康卡，点“扫一扫”，对准这个码。", "waiting");
  hear(current);
});
stop.addEventListener("click", () => close("已经收起。", "stopped"));
