from handlers.authentication import StaffHandler
from handlers.requests import Model, Ok, operation
from server.staff.roles import PERMISSIONS, ROLES


class RoleView(Model):
    role: str
    sentence: str
    permissions: list[str]
    is_administrator: bool


class RoleList(Model):
    roles: list[RoleView]
    permissions: dict[str, str]


class Roles(StaffHandler):
    @operation("The roles, and the sentence of each permission", reply=RoleList, permission="staff.read")
    async def get(self) -> Ok:
        shown = [
            RoleView(
                role=name,
                sentence=role.sentence,
                permissions=sorted(role.permissions),
                is_administrator=role.is_administrator,
            )
            for name, role in ROLES.items()
        ]
        return Ok(RoleList(roles=shown, permissions=PERMISSIONS))


ROUTES = [("/staff/v1/roles", Roles)]
