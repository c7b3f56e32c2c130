"""Uploading papers, showing them to their owner and to a reviewer, and deleting them by rule (A3.1)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from server.cards.attachments.model import Attachment
from server.cards.attachments.pictures import read_picture
from server.cards.attachments.store import AttachmentStore
from server.cards.policy import ClaimPolicy
from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import InvalidInput, NotFound
from server.core.ids import new_id
from server.core.outbox import Event
from server.core.policies import Policies
from server.core.threads import run_in

UPLOADS = Budget("attachment", limit=30, window_s=86_400)
MAX_PER_CLAIM = 3
# Uploaded and then forgotten.
UNUSED_KEPT = timedelta(days=1)
# Whatever happens to the claim they went with: no paper stays longer than this.
LONGEST_KEPT = timedelta(days=180)
BATCH = 100


class AttachmentService:
    def __init__(
        self,
        store: AttachmentStore,
        policies: Policies,
        audit: Audit,
        budgets: Budgets,
        clock: Clock,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._store = store
        self._policies = policies
        self._audit = audit
        self._budgets = budgets
        self._clock = clock
        self._threads = threads

    async def upload(self, account_id: str, raw: bytes) -> Attachment:
        """InvalidInput `attachment.invalid`; TooMany `attachment.too_many`."""
        await self._budgets.spend(UPLOADS, account_id)
        picture = await run_in(self._threads, partial(read_picture, raw))
        now = self._clock.now()
        attachment = Attachment(new_id(now), account_id, picture.media_type, len(picture.content))
        sealed = await run_in(self._threads, partial(self._store.sealed, attachment.attachment_id, picture))
        await self._store.insert(attachment, sealed, now + UNUSED_KEPT)
        actor = Actor("account", account_id)
        await self._audit.record("attachments.upload", actor, "attachment", attachment.attachment_id)
        return attachment

    async def attach(self, account_id: str, attachment_ids: tuple[str, ...], card_id: str) -> None:
        """Gives them to the claim; InvalidInput `attachment.invalid` (unknown) for one that is not there, not
        the account's, or another claim's."""
        delete_at = self._clock.now() + LONGEST_KEPT
        for attachment_id in attachment_ids:
            if not await self._store.attach(attachment_id, account_id, card_id, delete_at):
                raise _unknown()

    async def require_own(self, account_id: str, attachment_id: str) -> None:
        """Nothing, when the account uploaded it; InvalidInput `attachment.invalid` (unknown) otherwise."""
        found = await self._store.find(attachment_id)
        if found is None or found[0].account_id != account_id:
            raise _unknown()

    async def open_own(self, account_id: str, attachment_id: str) -> tuple[str, bytes]:
        """(media type, picture) for who uploaded it; NotFound `attachment.not_found` for anybody else."""
        attachment, picture = await self._open(attachment_id)
        if attachment.account_id != account_id:
            raise _not_found()
        return attachment.media_type, picture

    async def open_of_claim(self, card_id: str, attachment_id: str, by: Actor) -> tuple[str, bytes]:
        """(media type, picture) for a reviewer of this claim; that they looked is on record."""
        attachment, picture = await self._open(attachment_id)
        if attachment.card_id != card_id:
            raise _not_found()
        await self._audit.record("attachments.open", by, "attachment", attachment_id)
        return attachment.media_type, picture

    async def _open(self, attachment_id: str) -> tuple[Attachment, bytes]:
        found = await self._store.find(attachment_id)
        if found is None:
            raise _not_found()
        attachment, sealed = found
        return attachment, await run_in(self._threads, partial(self._store.opened, attachment_id, sealed))

    # -- their end
    async def forget_after_decision(self, event: Event) -> None:
        """A reaction: the claim is decided, so its papers go some days later."""
        policy = await self._policies.get(ClaimPolicy)
        delete_at = event.happened_at + timedelta(days=policy.attachments_kept_days)
        await self._store.delete_later(event.data["card_id"], delete_at)

    async def delete_due(self) -> int:
        """Deletes what has had its time; returns how many."""
        now = self._clock.now()
        due = await self._store.list_due(now, BATCH)
        for attachment in due:
            actor = Actor("system", "worker")
            await self._audit.record("attachments.delete", actor, "attachment", attachment.attachment_id)
            await self._store.delete(attachment.attachment_id, now)
        return len(due)


def _unknown() -> InvalidInput:
    return InvalidInput(
        "attachment.invalid", "no such paper, or it goes with another claim", reason="unknown"
    )


def _not_found() -> NotFound:
    return NotFound("attachment.not_found", "there is no such attachment")
