// The nurse's page: who has which slot, the queue, and buttons for what happens in a day at the hospital.
const RENEW_MS = 2000;
const $ = (id) => document.getElementById(id);
const REFUSALS = {
  "registration.not_now": "不是今天的号，不能报到。可以先把医院时间快进到那一天。",
  "registration.cancelled": "这个号已经退了。",
  "registration.unknown": "没有这个号。",
  "request.refused": "现在不能这样做。",
};
const STATES = { waiting: "候诊", called: "已叫号", missed: "过号", done: "已就诊", locked: "占号", confirmed: "已挂号" };

const element = (name, text = "", className = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
};
const clock = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", month: "long", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit",
  hour12: false,
});
const hour = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false,
});
const day = (text) => {
  const [, month, date] = text.split("-").map(Number);
  return `${month}月${date}日`;
};

let shown = "";
let chosen = null; // the day, once somebody has chosen one

async function post(path, body) {
  $("news").textContent = "";
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const content = await answer.json();
    if (!answer.ok) $("news").textContent = REFUSALS[content.error?.code] ?? `没有办成：${content.error?.code ?? ""}`;
    return answer.ok ? content : null;
  } catch {
    $("news").textContent = "医院系统没有回答，请再试一次。";
    return null;
  } finally {
    await renew();
  }
}

const button = (text, path, body, after = () => {}) => {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", async () => {
    made.disabled = true;
    const answer = await post(path, body());
    if (answer) after(answer);
  });
  return made;
};

function slotRow(slot) {
  const row = element("li");
  row.append(element("span", `${hour.format(new Date(slot.starts_at))}　已约 ${slot.taken.length} / ${slot.capacity}`, "number"));
  const people = element("span", "", "stack");
  for (const one of slot.taken) {
    const line = element("span", `${one.name} `, "person-line");
    if (one.registration_no && !one.has_arrived) {
      line.append(button("窗口报到", "/his/arrivals", () => ({ registration_no: one.registration_no })));
    } else line.append(element("span", one.has_arrived ? "已报到" : STATES[one.state], "quiet"));
    people.append(line);
  }
  row.append(people);
  return row;
}

function consultation(schedule, ticket) {
  const form = element("div", "", "stack");
  const items = element("select");
  items.multiple = true;
  items.setAttribute("aria-label", "开检查单（可多选）");
  items.append($("items").content.cloneNode(true));
  const prescribes = element("input");
  prescribes.type = "checkbox";
  prescribes.checked = true;
  const label = element("label");
  label.append(prescribes, " 开处方");
  form.append(items, label, button("就诊结束", "/his/consultations", () => ({
    queue_id: schedule.schedule_id, token_no: ticket.token_no, prescribes: prescribes.checked,
    items: [...items.selectedOptions].map((one) => one.value),
  })));
  form.append(button("过号", "/his/misses", () => ({ queue_id: schedule.schedule_id, token_no: ticket.token_no })));
  return form;
}

function ticketRow(schedule, ticket) {
  const row = element("li");
  const ahead = ticket.state === "waiting" ? ` · 前面 ${ticket.ahead} 人` : "";
  row.append(element("span", `${ticket.token_no}　${ticket.name}`), element("span", STATES[ticket.state] + ahead, "quiet"));
  const deeds = element("span", "", "stack deeds");
  const names = { queue_id: schedule.schedule_id, token_no: ticket.token_no };
  const visit = { registration_no: ticket.registration_no };
  if (ticket.state === "called") deeds.append(consultation(schedule, ticket));
  if (ticket.state === "missed") deeds.append(button("返回队列", "/his/returns", () => names));
  for (const order of ticket.orders) {
    if (order.state === "done") deeds.append(element("span", `${order.name} 已出报告`, "quiet"));
    else deeds.append(button(`${order.name} 出报告`, "/his/reports", () => ({ ...visit, order_id: order.order_id })));
  }
  if (ticket.has_prescription) {
    deeds.append(button("药已配好", "/his/dispensings", () => ({ ...visit, is_ready: true })));
    deeds.append(button("已取药", "/his/dispensings", () => visit));
  }
  row.append(deeds, element("span"));
  return row;
}

function scheduleView(schedule) {
  const view = element("section", "", "panel stack");
  view.append(element("h2", schedule.title), element("p", schedule.place + (schedule.is_cancelled ? " · 已停诊" : ""), "quiet"));
  const slots = element("ol", "", "rows lines");
  slots.append(...schedule.slots.map(slotRow));
  const queue = element("ol", "", "rows lines");
  queue.append(...schedule.queue.map((ticket) => ticketRow(schedule, ticket)));
  if (!schedule.queue.length) queue.append(element("li", "现在没有人排队。", "empty"));
  const pair = element("div", "", "pair");
  pair.append(
    button("叫下一位", "/his/calls", () => ({ queue_id: schedule.schedule_id }), (answer) => {
      $("news").textContent = answer.token_no ? `请 ${answer.token_no} 号就诊` : "没有人在等。";
    }),
    button("停诊", "/his/cancellations", () => ({ schedule_id: schedule.schedule_id })),
  );
  view.append(pair, element("h2", "候诊队列"), queue, element("h2", "号源"), slots);
  return view;
}

function show(state) {
  $("now").textContent = clock.format(new Date(state.now));
  const days = state.days.map((on) => {
    const option = element("option", day(on));
    option.value = on;
    option.selected = on === state.on;
    return option;
  });
  $("on").replaceChildren(...days);
  const views = state.schedules.map(scheduleView);
  $("schedules").replaceChildren(...(views.length ? views : [element("p", "这一天没有排班。", "panel empty")]));
  if (!state.told.length) return;
  $("told").replaceChildren(...state.told.map((one) => {
    const row = element("li");
    const good = /^2\d\d$/.test(one.outcome);
    row.append(element("span", `${one.event || "处方"} · ${one.registration_no}`));
    row.append(element("span", good ? "已送达" : one.outcome, good ? "good" : "bad"));
    row.append(element("span", one.path, "mono quiet"), element("span"));
    return row;
  }));
}

async function renew() {
  const query = new URLSearchParams({ department_id: $("department").value, ...(chosen ? { on: chosen } : {}) });
  try {
    const answer = await fetch(`/his/state?${query}`, { cache: "no-store" });
    const text = await answer.text();
    // The clock alone makes every answer new: the rest is drawn again only when it changed.
    const state = JSON.parse(text);
    const drawn = JSON.stringify({ ...state, now: "" });
    if (drawn === shown) $("now").textContent = clock.format(new Date(state.now));
    else show(state);
    shown = drawn;
  } catch {
    $("news").textContent = "医院系统没有回答。";
  }
}

$("department").addEventListener("change", renew);
$("on").addEventListener("change", () => {
  chosen = $("on").value;
  renew();
});
for (const one of document.querySelectorAll("[data-advance]")) {
  one.addEventListener("click", () => {
    chosen = null;
    post("/control/his/clock", { advance_s: Number(one.dataset.advance) });
  });
}
renew();
setInterval(renew, RENEW_MS);
