"""What residents are told, by kind of message: the one place on the server with Chinese texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

SCENE_NAMES = {
    "010101": "挂号",
    "0101011": "预约取号",
    "0101012": "当日挂号",
    "0101013": "建档",
    "0101014": "分诊",
    "010105": "缴费",
    "0101051": "门诊缴费",
    "0101053": "住院缴费",
}

# Who moved a card, as its holders are told.
MOVED_BY = {
    "holder": "持卡人本人",
    "guardian": "监护人",
    "carer": "家人",
    "centre": "发卡中心",
    "issuer": "发卡的医疗机构",
    "merge": "发卡中心",
}


# What is to be done next in a visit, where the hospital has no words of its own for it.
TASKS = {
    "check_in": "签到",
    "see_doctor": "就诊",
    "book_examination": "预约检查",
    "pay": "缴费",
    "be_examined": "做检查",
    "wait_for_report": "等报告",
    "fetch_report": "取报告",
    "fetch_medicine": "取药",
    "answer_survey": "填写满意度调查",
}

CITY = timezone(timedelta(hours=8))
OPEN_CARD = "请打开健康卡查看"
NOTHING = "无"
CENTRE = "发卡中心"


@dataclass(frozen=True)
class Template:
    """`note` is all that is said of it outside the inbox, beside title, institution, place and time; twenty
    characters, because WeChat takes no more."""

    title: str
    text: str
    note: str = OPEN_CARD


TEMPLATES: Mapping[str, Template] = {
    "card_ready": Template("健康卡办好了", "身份已核实，您的电子健康卡可以使用了。"),
    "card_refused": Template(
        "健康卡没有办成",
        "核实身份时，姓名与证件号码对不上，请核对后重新申领。您填写的内容没有被使用。",
    ),
    "card_refused_review": Template(
        "健康卡没有办成", "工作人员审核后没有通过，原因写在“我的卡”里。按原因补好以后，可以再申领一次。"
    ),
    "card_refused_held": Template(
        "健康卡已经有了", "这个人已经有一张健康卡，一人一卡，不用再办。请再申领一次，就能找到那张卡。"
    ),
    "card_taken_over": Template(
        "家人的卡转走了", "您代管的一张健康卡，已经由本人接到自己的账号里，从您的账号里移走了。"
    ),
    "card_joined": Template(
        "家人的健康卡加好了", "监护证明核对过了，家人的健康卡已经在您的账号里，可以使用了。"
    ),
    "card_shared": Template(
        "健康卡多了一位监护人",
        "工作人员核对了监护证明，一位监护人从现在起也能使用您账号里的一张健康卡。如果您不知道这件事，请马上联系发卡中心。",
    ),
    "card_consented": Template(
        "您同意了一次",
        "您用自己的健康码同意家人在他的账号里使用您的健康卡。如果不是您本人同意的，请马上挂失。",
    ),
    "card_reprinted": Template(
        "健康码被打印", "{institution}的{place}又打印了一次您的健康码。如果不是您本人办理，请联系发卡中心。"
    ),
    "card_used": Template(
        "健康卡被使用",
        "{institution}的{place}读取了您的健康码，用于{scene_name}。如果不是您本人使用，请点“不是我”，健康卡会马上停用。",
    ),
    "card_frozen": Template(
        "健康卡已停用", "健康卡已由{who}停用，现在出示和打印的码都不能用。如有疑问，请联系发卡中心。"
    ),
    "card_lost": Template(
        "健康卡已挂失", "健康卡已由{who}挂失，现在出示和打印的码都不能用。找回后可以恢复使用，也可以换新码。"
    ),
    "card_reactivated": Template(
        "健康卡恢复使用了", "健康卡已由{who}恢复使用。如果不是您办理的，请马上挂失。"
    ),
    "card_reissued": Template(
        "健康卡换了新码",
        "健康卡已由{who}换了新码，以前打印的码和截图都作废了。如果不是您办理的，请马上挂失。",
    ),
    "card_cancelled": Template("健康卡已注销", "健康卡已由{who}注销，以后可以重新申领。"),
    "pin_changed": Template("健康卡密码有变动", "健康卡密码刚刚改动过。如果不是您办理的，请马上挂失。"),
    "pin_locked": Template(
        "健康卡密码已锁住", "健康卡密码连续输错五次，暂时锁住了。如果不是您输入的，请更换密码或挂失。"
    ),
    # -- 预约
    "visit_held": Template(
        "号源已为您留住",
        "{who}在{institution}{department}{when}的号已留住，请在{expires}前确认，过时自动放号。",
    ),
    "visit_confirmed": Template(
        "预约成功", "{who}已预约{institution}{department}{doctor}，{when}就诊。{place}", "请按时就诊"
    ),
    "visit_released": Template(
        "预约已放号",
        "{who}在{institution}{department}{when}的号没有在规定时间内确认，已经放号。",
        "没有确认，号已放回",
    ),
    "visit_refused": Template(
        "预约没有成功",
        "{institution}没有接受{who}在{department}{when}的预约，请换一个时间再约。",
        "医院没有接受，请另约",
    ),
    "visit_cancelled": Template(
        "预约已取消", "{who}在{institution}{department}{when}的预约已取消。", "预约已取消"
    ),
    "visit_moved": Template(
        "就诊时间有变动",
        "{who}在{institution}{department}的就诊时间改为{when}。{place}",
        "就诊时间已改，请留意",
    ),
    "visit_stopped": Template(
        "医院取消了预约",
        "{institution}取消了{who}在{department}{when}的预约。没有扣钱，不算爽约，请换一个时间再约。",
        "医院取消了，请另约",
    ),
    "visit_no_show": Template(
        "没有按时就诊", "{who}预约了{institution}{department}{when}，没有签到，记为一次爽约。", "记为一次爽约"
    ),
    # -- 提醒
    "visit_day_before": Template(
        "就诊提醒",
        "{who}预约了{institution}{department}{doctor}，{when}就诊，请安排好时间。{place}",
        "请安排好时间",
    ),
    "visit_soon": Template(
        "快到就诊时间了",
        "{who}预约了{institution}{department}{doctor}，{when}就诊，请准时到达。{place}",
        "请准时到达",
    ),
    "hold_expiring": Template(
        "预约快要放号了",
        "{who}在{institution}{department}{when}的号，请在{expires}前确认，过时自动放号。",
        "请尽快确认",
    ),
    "examination_planned": Template(
        "检查前请准备",
        "{who}约好了{institution}的{item}，{when}。要准备的：{preparation}{place}",
        "请看要准备什么",
    ),
    "examination_prepare": Template(
        "检查快到了，请准备",
        "{who}{when}在{institution}做{item}，现在起要准备：{preparation}{place}",
        "请看要准备什么",
    ),
    "medication_due": Template("该用药了", "{who}现在该用：{drugs}。用完请打钩。", "请打开用药计划打钩"),
    "reminder_missed": Template(
        "有提醒没有按时送到", "系统停了一段时间，有{count}条提醒过了时间，没有再发。请看一下预约和用药计划。"
    ),
    # -- 候诊与引导
    "queue_joined": Template(
        "已进入候诊队列", "{who}在{institution}{place}候诊。{token}{ahead_sentence}", "已进入候诊队列"
    ),
    "queue_near": Template(
        "快轮到您了",
        "{who}在{institution}{place}候诊，{ahead_shown}，请到诊室附近等候。{token}",
        "{ahead_shown}",
    ),
    "queue_called": Template("请就诊", "请{who}到{institution}{place}就诊。{token}", "请到诊室就诊"),
    "queue_missed": Template(
        "您已过号", "{who}在{institution}{place}过号了，请到分诊台或在健康卡上重新排队。{token}", "请重新排队"
    ),
    "visit_next": Template(
        "下一步", "{who}下一步：到{institution}{place}，{what}。{note_shown}", "请看下一步去哪里"
    ),
    # -- 医院消息（B7.10）
    "prescription_due": Template(
        "处方待缴费",
        "{institution}{department}为{who}开了处方，{amount}请缴费后取药。{note_shown}",
        "请缴费后取药",
    ),
    "bill_due": Template(
        "有一笔费用待缴", "{who}在{institution}有费用待缴：{item}{amount}{note_shown}", "请及时缴费"
    ),
    "medicine_ready": Template(
        "药已配好", "{who}的药已配好，请到{institution}{place}取药。{note_shown}", "请到窗口取药"
    ),
    "examination_booked": Template(
        "检查已预约",
        "{who}已预约{institution}的{item}，{when}，到{place}。{preparation}{note_shown}",
        "请按时检查",
    ),
    "report_ready": Template("报告出来了", "{who}在{institution}的{item}报告出来了。{place}{note_shown}"),
    "queue_position": Template(
        "候诊进度", "{who}在{institution}{place}候诊，{ahead_shown}。{token}", "{ahead_shown}"
    ),
    "clinic_stopped": Template(
        "门诊停诊",
        "{institution}{department}{doctor}{when}停诊，{who}的预约请改期或退号。{note_shown}",
        "门诊停诊，请改期",
    ),
    "admission_ready": Template(
        "请办理住院",
        "{who}可以在{admit_on}到{institution}{department}办理住院。{place}{bed}{note_shown}",
        "请按时办理住院",
    ),
    "daily_list": Template(
        "住院一日清单", "{who}{on}在{institution}的住院费用为{amount}{note_shown}", "一日清单已出"
    ),
    "deposit_low": Template(
        "预交金不足", "{who}在{institution}的预交金还剩{amount}请及时补交。{note_shown}", "请补交预交金"
    ),
    "discharge_ready": Template(
        "可以办理出院",
        "{who}可以到{institution}{department}办理出院。{discharge_on}{note_shown}",
        "请办理出院",
    ),
}

# What to do before and after an examination (the codes of the knowledge base).
PREPARATIONS: Mapping[str, str] = {
    "fasting": "检查前 {hours} 小时不要吃东西",
    "no_water": "检查前 {hours} 小时不要喝水",
    "full_bladder": "检查前 {hours} 小时喝水，憋着尿来",
    "drink_after": "做完以后多喝水",
    "eat_after": "做完 {hours} 小时后才能吃东西",
    "bowel_cleaning": "检查前 {hours} 小时按医生给的药清肠",
    "companion": "请家人陪着来",
    "contrast_before": "要打造影剂，对药过敏、肾不好的请先告诉医生",
    "no_alcohol": "检查前 {hours} 小时不要喝酒",
    "no_antibiotics": "检查前 {days} 天不要吃消炎药，停药先问医生",
    "no_exercise": "检查前 {hours} 小时不要剧烈运动",
    "no_metal": "身上不要带金属，手表、首饰先取下来",
    "no_shower": "做完 {hours} 小时不要洗澡",
    "radiation_after": "做完 {hours} 小时不要靠近孕妇和小孩",
    "rest": "检查前先坐 {minutes} 分钟",
    "stay_after": "做完留下观察 {minutes} 分钟",
    "tell_implants": "装过心脏起搏器、支架、钢板的，先告诉医生",
}


def preparation_shown(all_of_them: Sequence[Mapping[str, Any]]) -> str:
    """What is to be done, as one reads it; empty when nothing is.  Each has `code`, perhaps `hours` or
    `minutes`."""
    said = []
    for one in all_of_them:
        text = PREPARATIONS.get(one["code"])
        if text is not None:
            hours = one.get("hours") or 8
            said.append(text.format(hours=hours, days=hours // 24, minutes=one.get("minutes") or 10))
    return "；".join(said)


def render(kind: str, data: Mapping[str, Any]) -> tuple[str, str]:
    """Title and text of a message; KeyError for a kind that is in no table."""
    template = TEMPLATES[kind]
    return template.title, template.text.format_map(_shown(data))


def outside(kind: str, data: Mapping[str, Any]) -> dict[str, str]:
    """What may be said of it outside the inbox: `subject`, `institution`, `place`, `department`, `when`,
    `note`; no person, no drug, no examination."""
    template, shown = TEMPLATES[kind], _shown(data)
    return {
        "subject": template.title,
        "institution": shown["institution"] or CENTRE,
        "place": shown["place"] or NOTHING,
        "department": shown["department"] or NOTHING,
        "when": full_time(data["starts_at"]) if data.get("starts_at") else NOTHING,
        "note": template.note.format_map(shown),
    }


class _Shown(dict[str, str]):
    """A field that nobody gave is not shown."""

    def __missing__(self, name: str) -> str:
        return ""


def _shown(data: Mapping[str, Any]) -> _Shown:
    shown = _Shown({name: str(value) for name, value in data.items() if value is not None})
    if data.get("starts_at"):
        shown["when"] = short_time(data["starts_at"])
    if data.get("expires_at"):
        shown["expires"] = short_time(data["expires_at"])
    if data.get("amount_fen") is not None:
        yuan, fen = divmod(int(data["amount_fen"]), 100)
        shown["amount"] = f"{yuan}.{fen:02d} 元，"
    for name, form in SENTENCES.items():
        if shown.get(name):
            shown[name] = form.format(shown[name])
    if shown.get("ahead"):
        nobody = shown["ahead"] == "0"
        shown["ahead_shown"] = "下一个就是您" if nobody else f"前面还有{shown['ahead']}人"
        shown["ahead_sentence"] = f"{shown['ahead_shown']}。"
    shown["note_shown"] = shown.get("note", "")
    return shown


# Fields that are a sentence of their own where a text has room for them.
SENTENCES = {"token": "您的号是 {}。", "bed": "床位：{}。", "preparation": "{}。", "discharge_on": "{}。"}


def drugs_shown(drugs: Sequence[tuple[str, str, str]]) -> str:
    """Drug, dose and unit of each, as one reads them."""
    return "、".join(f"{drug} {dose}{unit}" for drug, dose, unit in drugs)


def short_time(at: datetime | str) -> str:
    local = _local(at)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def full_time(at: datetime | str) -> str:
    """As WeChat's fields of time want it."""
    local = _local(at)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def _local(at: datetime | str) -> datetime:
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at)).astimezone(CITY)
