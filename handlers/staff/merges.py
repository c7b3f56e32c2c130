from typing import Annotated, Any

from pydantic import Field

from handlers.authentication import StaffHandler
from handlers.requests import Created, Id, Model, Ok, Time, operation
from handlers.staff.persons import Reason
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.core.pages import MAX_PAGE
from server.identity.merges.model import Merge, MergeState


class MergeQuery(Model):
    state: MergeState = MergeState.PROPOSED
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class StepView(Model):
    what: str
    by: str
    at: Time
    reason: str


class MergeView(Model):
    """`because` is what a rule that merged them says of each field."""

    merge_id: str
    absorbed_id: str
    survivor_id: str
    state: str
    steps: list[StepView]
    because: dict[str, Any]

    @classmethod
    def of(cls, merge: Merge) -> "MergeView":
        steps = [
            StepView(what=step.what, by=step.by.id, at=step.at, reason=step.reason) for step in merge.steps
        ]
        return cls(
            merge_id=merge.merge_id,
            absorbed_id=merge.absorbed_id,
            survivor_id=merge.survivor_id,
            state=merge.state.value,
            steps=steps,
            because=merge.because,
        )


class MergeList(Model):
    merges: list[MergeView]
    next_cursor: str | None


class MergeProposal(Model):
    absorbed_id: Id
    survivor_id: Id
    reason: Reason


class WhyNot(Model):
    reason: Reason


class Merges(StaffHandler):
    @operation(
        "Merges in one state, newest first", query=MergeQuery, reply=MergeList, permission="persons.read"
    )
    async def get(self, query: MergeQuery) -> Ok:
        page = await self.services.merges.list_in(query.state, query.cursor, query.limit)
        shown = [MergeView.of(merge) for merge in page.items]
        return Ok(MergeList(merges=shown, next_cursor=page.next_cursor))

    @operation(
        "Propose that two records are one person",
        body=MergeProposal,
        reply=MergeView,
        replies=(Created,),
        refuses=(InvalidInput, Conflict, NotFound),
        permission="merges.propose",
        idempotent=True,
    )
    async def post(self, body: MergeProposal) -> Created:
        propose = self.services.merges.propose
        return Created(
            MergeView.of(await propose(body.absorbed_id, body.survivor_id, self.actor, body.reason))
        )


class OneMerge(StaffHandler):
    @operation("One merge and its steps", reply=MergeView, permission="persons.read")
    async def get(self, merge_id: Id) -> Ok:
        return Ok(MergeView.of(await self.services.merges.get(merge_id)))


class Approval(StaffHandler):
    @operation(
        "Approve a merge that somebody else proposed",
        reply=MergeView,
        refuses=(Conflict, Forbidden),
        permission="merges.approve",
        idempotent=True,
    )
    async def post(self, merge_id: Id) -> Ok:
        return Ok(MergeView.of(await self.services.merges.approve(merge_id, self.actor)))


class Refusal(StaffHandler):
    @operation(
        "Refuse a merge",
        body=WhyNot,
        reply=MergeView,
        refuses=(Conflict,),
        permission="merges.approve",
        idempotent=True,
    )
    async def post(self, merge_id: Id, body: WhyNot) -> Ok:
        return Ok(MergeView.of(await self.services.merges.refuse(merge_id, self.actor, body.reason)))


class Reversal(StaffHandler):
    @operation(
        "Propose that a merge be undone",
        body=WhyNot,
        reply=MergeView,
        refuses=(Conflict,),
        permission="merges.propose",
        idempotent=True,
    )
    async def post(self, merge_id: Id, body: WhyNot) -> Ok:
        return Ok(
            MergeView.of(await self.services.merges.propose_reversal(merge_id, self.actor, body.reason))
        )


class ReversalApproval(StaffHandler):
    @operation(
        "Approve that a merge be undone, as somebody else proposed",
        reply=MergeView,
        refuses=(Conflict, Forbidden),
        permission="merges.approve",
        idempotent=True,
    )
    async def post(self, merge_id: Id) -> Ok:
        return Ok(MergeView.of(await self.services.merges.approve_reversal(merge_id, self.actor)))


class ReversalRefusal(StaffHandler):
    @operation(
        "Refuse that a merge be undone",
        body=WhyNot,
        reply=MergeView,
        refuses=(Conflict,),
        permission="merges.approve",
        idempotent=True,
    )
    async def post(self, merge_id: Id, body: WhyNot) -> Ok:
        refuse = self.services.merges.refuse_reversal
        return Ok(MergeView.of(await refuse(merge_id, self.actor, body.reason)))


ROUTES = [
    ("/staff/v1/merges", Merges),
    ("/staff/v1/merges/{merge_id}", OneMerge),
    ("/staff/v1/merges/{merge_id}/approval", Approval),
    ("/staff/v1/merges/{merge_id}/refusal", Refusal),
    ("/staff/v1/merges/{merge_id}/reversal", Reversal),
    ("/staff/v1/merges/{merge_id}/reversal/approval", ReversalApproval),
    ("/staff/v1/merges/{merge_id}/reversal/refusal", ReversalRefusal),
]
