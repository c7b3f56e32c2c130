// The clerk's page: takes a code three ways, asks the hospital's server, shows the person or the refusal.
import { explain } from "./refusals.js";

const FRAME_EVERY_MS = 350;
const FRAME_WIDTH = 640;
const $ = (id) => document.getElementById(id);
const form = $("scan"), paste = $("paste"), picture = $("picture"), chosen = $("chosen"), preview = $("preview");
const camera = $("camera"), video = $("viewfinder"), cameraNews = $("camera-news"), verify = $("verify");

export const element = (name, text = "", className = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
};
export const sceneName = (value) => {
  const option = [...$("scene").options].find((one) => one.value === value);
  return option ? option.textContent.replace(/（.*/, "") : value;
};
const clock = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "long", day: "numeric", weekday: "long",
  hour: "numeric", minute: "2-digit", second: "2-digit", hour12: true,
});
const time = (text) => {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? text : clock.format(moment);
};
const shortTime = (text) => new Date(text).toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false });
const gender = (value) => ({ male: "男", female: "女", 1: "男", 2: "女" })[value] ?? "未说明";
const birthday = (text) => {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text ?? "");
  if (!match) return text ?? "—";
  const [year, month, day] = match.slice(1).map(Number);
  const now = new Date();
  const before = now.getMonth() + 1 < month || (now.getMonth() + 1 === month && now.getDate() < day);
  return `${year}年${month}月${day}日（${now.getFullYear() - year - (before ? 1 : 0)} 岁）`;
};

function facts(pairs) {
  const list = element("dl", "", "facts");
  for (const [name, value] of pairs) list.append(element("dt", name), element("dd", value));
  return list;
}

export function showResult(scan) {
  const result = $("result");
  const verdict = element("div", "", "verdict stack");
  if (scan.ok) {
    const { person = {}, is_dynamic: isDynamic, issuer, verified_at: verifiedAt } = scan.answer;
    verdict.append(element("h2", "核验通过"), element("p", person.name ?? "", "person"));
    verdict.append(facts([
      ["性别", gender(person.gender)],
      ["出生日期", birthday(person.birthday)],
      ["证件号码", person.id_no_masked ?? "—"],
      ["手机号码", person.phone_masked ?? "—"],
      ["健康码", isDynamic ? "动态码" : "静态码"],
      ["发卡机构", typeof issuer === "object" ? issuer?.name ?? issuer?.centre_id ?? "—" : issuer ?? "—"],
      ["用卡环节", sceneName(scan.scene)],
      ["核验时间", time(verifiedAt)],
    ]));
    if (!isDynamic) verdict.append(element("p", "静态码只能识别身份，请再核对证件或本人。", "note"));
  } else {
    const { title, advice } = explain(scan.error.code);
    verdict.append(element("h2", title), element("p", advice));
    verdict.append(element("p", `代码 ${scan.error.code}${scan.status ? ` · HTTP ${scan.status}` : ""}`, "mono quiet"));
  }
  if (scan.took_ms !== undefined) verdict.append(element("p", `用时 ${scan.took_ms} 毫秒`, "quiet number"));
  result.replaceChildren(result.querySelector("#result-title"), verdict);
  result.dataset.code = scan.ok ? "" : scan.error.code;
  result.dataset.ok = String(scan.ok);
  // On a phone the result lies below the controls.
  verdict.scrollIntoView({ block: "nearest" });
}

export async function showHistory() {
  const { scans } = await (await fetch("/hospital/history", { cache: "no-store" })).json();
  if (!scans.length) return;
  $("history").replaceChildren(...scans.map((scan) => {
    const row = element("li");
    const what = scan.ok ? scan.answer.person?.name ?? "" : explain(scan.error.code).title;
    row.append(element("span", what), element("span", scan.ok ? "通过" : "未通过", scan.ok ? "good" : "bad"));
    row.append(element("span", sceneName(scan.scene), "quiet"), element("span", shortTime(scan.scanned_at), "quiet number"));
    row.dataset.ok = String(scan.ok);
    return row;
  }));
}

async function ask(code) {
  try {
    const answer = await fetch("/hospital/scans", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...code, scene: $("scene").value }),
    });
    const scan = await answer.json();
    return "ok" in scan ? scan : { ok: false, status: 0, error: scan.error };
  } catch {
    return { ok: false, status: 0, error: { code: "hospital.unreachable" } };
  }
}

const asText = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});

function emptyInputs() {
  // A code works once: leaving it in place would only invite a second, refused, scan.
  paste.value = "";
  showChosen(null);
}

function showChosen(file) {
  if (!file) picture.value = "";
  URL.revokeObjectURL(preview.src);
  chosen.hidden = !file;
  preview.src = file ? URL.createObjectURL(file) : "data:,";
  $("chosen-name").textContent = file ? file.name : "";
}

async function verifyOnce(read) {
  if (verify.disabled) return;
  verify.disabled = true;
  $("result").setAttribute("aria-busy", "true");
  verify.textContent = "正在核验…";
  const wasTyped = paste.value !== "";
  const scan = await ask(await read());
  showResult(scan);
  emptyInputs();
  await showHistory().catch(() => {});
  $("result").removeAttribute("aria-busy");
  verify.textContent = "核验健康码";
  verify.disabled = false;
  // A scanner types where the cursor is; a click on the button should leave the cursor on the button.
  (wasTyped ? paste : verify).focus({ preventScroll: true });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const [file] = picture.files;
  verifyOnce(async () => (file ? { picture: await asText(file) } : { text: paste.value }));
});
paste.addEventListener("input", () => showChosen(null));
picture.addEventListener("change", () => {
  paste.value = "";
  showChosen(picture.files[0]);
});

let stream = null;
async function startCamera() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    cameraNews.textContent = "摄像头没有打开：没有摄像头，或浏览器没有得到允许。请改用图片或粘贴。";
    return;
  }
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  camera.textContent = "关闭摄像头";
  camera.setAttribute("aria-pressed", "true");
  cameraNews.textContent = "把健康码放在画面中间，读到后自动核验。";
  watch();
}

function stopCamera(news = "") {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.hidden = true;
  camera.textContent = "打开摄像头";
  camera.setAttribute("aria-pressed", "false");
  cameraNews.textContent = news;
}

async function watch() {
  const canvas = document.createElement("canvas");
  while (stream) {
    canvas.width = FRAME_WIDTH;
    canvas.height = Math.round((FRAME_WIDTH * video.videoHeight) / (video.videoWidth || FRAME_WIDTH)) || 1;
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const scan = await ask({ picture: canvas.toDataURL("image/jpeg", 0.85) });
    if (!stream) return;
    if (scan.ok || !scan.error.code.startsWith("picture.")) {
      stopCamera("已读到健康码，摄像头已关闭。");
      showResult(scan);
      await showHistory().catch(() => {});
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, FRAME_EVERY_MS));
  }
}

camera.addEventListener("click", () => (stream ? stopCamera() : startCamera()));
addEventListener("pagehide", () => stopCamera());
showHistory().catch(() => {});
