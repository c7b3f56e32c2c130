"use strict";

/** Shows the codes of now, and how long they last. */
async function renew() {
  const answer = await fetch("/staff/codes");
  if (!answer.ok) return;
  const { codes, ends_in_s } = await answer.json();
  for (const panel of document.querySelectorAll("[data-login]")) {
    panel.querySelector("[data-code]").textContent = codes[panel.dataset.login];
    panel.querySelector("[data-left]").textContent = `还有 ${ends_in_s} 秒`;
  }
}

setInterval(() => renew().catch(() => undefined), 1000);
