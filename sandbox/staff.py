"""The made-up staff of the card centre, and a page that stands for the authenticators in their pockets."""

from collections.abc import Mapping

import pyotp
from tornado.httputil import HTTPServerRequest

from sandbox.config import StaffMember
from sandbox.pages import page
from sandbox.service import Answer, Clock, Route, json_answer

STEP_S = 30
# login name → name, roles
STAFF: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "chen.min": ("陈敏", ("claim_reviewer", "registrar")),
    "zhou.lei": ("周磊", ("claim_reviewer", "registrar_checker")),
    "wu.fang": ("吴芳", ("partner_clerk", "card_clerk")),
    "ma.qiang": ("马强", ("partner_reviewer",)),
    "xu.yan": ("徐岩", ("partner_reviewer",)),
    "sys.admin": ("何建国", ("system_admin",)),
    "sec.admin": ("罗静", ("security_admin",)),
    "aud.admin": ("谢文博", ("audit_admin",)),
}
DUTIES = {
    "claim_reviewer": "审核申领",
    "registrar": "登记人员、提出合并",
    "registrar_checker": "复核合并",
    "partner_clerk": "审核机构入网",
    "partner_reviewer": "复核机构入网",
    "card_clerk": "停用卡、处理安全事件",
    "system_admin": "系统管理员",
    "security_admin": "安全管理员",
    "audit_admin": "审计管理员",
}


class Authenticators:
    """What the authenticators of the demo's staff show now."""

    def __init__(self, staff: list[StaffMember], now: Clock) -> None:
        self._staff = staff
        self._now = now

    def routes(self) -> list[Route]:
        """The page for people, and the same codes for tests."""
        return [Route("/staff/codes", {"GET": self._list}), Route("/staff/?", {"GET": self._show})]

    def _codes(self) -> dict[str, str]:
        return {
            member.login_name: pyotp.TOTP(member.totp_secret).at(int(self._now())) for member in self._staff
        }

    def _list(self, request: HTTPServerRequest) -> Answer:
        return json_answer({"codes": self._codes(), "ends_in_s": STEP_S - int(self._now()) % STEP_S})

    def _show(self, request: HTTPServerRequest) -> Answer:
        return page("staff.html", staff=self._staff, codes=self._codes(), duties=DUTIES)
