"""What residents are told, by kind of message: the one place on the server with Chinese texts."""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Template:
    title: str
    text: str


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
}


def render(kind: str, data: Mapping[str, str]) -> tuple[str, str]:
    """Title and text of a message; KeyError for a kind that is in no table."""
    template = TEMPLATES[kind]
    return template.title, template.text.format_map(data)
