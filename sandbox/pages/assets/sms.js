// Fetches the page again every two seconds and shows what changed; nothing moves while nothing is new.
const RENEW_MS = 2000;
const list = () => document.getElementById("messages");

async function renew() {
  try {
    const answer = await fetch("/sms/", { cache: "no-store" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("messages");
    if (fresh.innerHTML === list().dataset.shown) return;
    const first = list().dataset.shown === undefined;
    list().replaceWith(document.adoptNode(fresh));
    list().dataset.shown = fresh.innerHTML;
    if (!first) document.getElementById("news").textContent = `有新短信，共 ${fresh.dataset.count} 条`;
  } catch {
    // The sandbox is being restarted: the messages on the page stay, and the next round tries again.
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "已复制";
});

list().dataset.shown = list().innerHTML;
setInterval(renew, RENEW_MS);
