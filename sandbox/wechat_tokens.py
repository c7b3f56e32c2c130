"""WeChat's access tokens: two kinds that know nothing of each other, as its documents say."""

import secrets
from dataclasses import dataclass

from tornado.httputil import HTTPServerRequest

from sandbox.config import Wechat
from sandbox.service import Answer, Clock, json_answer, query_argument
from sandbox.wechat_wire import WechatError, posted_object

LIFETIME_S = 7200
OVERLAP_S = 300
FORCED_INTERVAL_S = 30
FORCED_PER_DAY = 20


@dataclass
class _Token:
    text: str
    expires_at: float


class AccessTokens:
    """Issues tokens and says which are valid."""

    def __init__(self, config: Wechat, now: Clock) -> None:
        self._config = config
        self._now = now
        self._valid_until: dict[str, float] = {}
        self._latest: _Token | None = None
        self._stable: _Token | None = None
        self._forced_at: list[float] = []

    def require_app(self, app_id: str, secret: str) -> None:
        """Nothing, or WeChat's error for a missing or wrong app id or secret."""
        if not app_id:
            raise WechatError(41002, "appid missing")
        if app_id != self._config.app_id:
            raise WechatError(40013, "invalid appid")
        if not secret:
            raise WechatError(41004, "appsecret missing")
        if secret != self._config.secret:
            raise WechatError(40125, "invalid appsecret, view more at http://t.cn/RAEkdVq")

    def require_token(self, text: str) -> None:
        """Nothing, or 41001 for no token, 40001 for one never issued or withdrawn, 42001 for an old one."""
        if not text:
            raise WechatError(41001, "access_token missing")
        if text not in self._valid_until:
            raise WechatError(40001, "invalid credential, access_token is invalid or not latest")
        if self._now() >= self._valid_until[text]:
            raise WechatError(42001, "access_token expired")

    def issue(self, request: HTTPServerRequest) -> Answer:
        """cgi-bin/token: a new token every time; the one before it lives five minutes more, no longer."""
        self._require_credentials(
            query_argument(request, "grant_type"),
            query_argument(request, "appid"),
            query_argument(request, "secret"),
        )
        if self._latest is not None:
            self._shorten(self._latest, OVERLAP_S)
        self._latest = self._new_token()
        return self._answer(self._latest)

    def issue_stable(self, request: HTTPServerRequest) -> Answer:
        """cgi-bin/stable_token: the same token while it is valid, unless `force_refresh` withdraws it."""
        body = posted_object(request)
        self._require_credentials(
            str(body.get("grant_type", "")), str(body.get("appid", "")), str(body.get("secret", ""))
        )
        if body.get("force_refresh") is True and self._stable is not None:
            self._force()
        if self._stable is None or self._stable.expires_at - self._now() <= OVERLAP_S:
            self._stable = self._new_token()
        return self._answer(self._stable)

    def _force(self) -> None:
        now = self._now()
        self._forced_at = [at for at in self._forced_at if now - at < 86_400]
        if self._forced_at and now - self._forced_at[-1] < FORCED_INTERVAL_S:
            return
        if len(self._forced_at) >= FORCED_PER_DAY:
            raise WechatError(45009, "reach max api daily quota limit")
        self._forced_at.append(now)
        if self._stable is not None:
            del self._valid_until[self._stable.text]
            self._stable = None

    def _require_credentials(self, grant_type: str, app_id: str, secret: str) -> None:
        if grant_type != "client_credential":
            raise WechatError(40002, "invalid grant_type")
        self.require_app(app_id, secret)

    def _new_token(self) -> _Token:
        token = _Token(f"90_{secrets.token_urlsafe(96)}", self._now() + LIFETIME_S)
        self._valid_until[token.text] = token.expires_at
        return token

    def _shorten(self, token: _Token, left_s: int) -> None:
        self._valid_until[token.text] = min(token.expires_at, self._now() + left_s)

    def _answer(self, token: _Token) -> Answer:
        return json_answer({"access_token": token.text, "expires_in": int(token.expires_at - self._now())})
