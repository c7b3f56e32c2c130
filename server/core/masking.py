"""What of a personal field may be seen without a scope for more (B1.6(4), feature I7)."""


def mask_name(name: str) -> str:
    """The first character, then one asterisk for each other: 张三丰 → 张**."""
    return name[:1] + "*" * (len(name) - 1)


def mask_id_no(id_no: str) -> str:
    """The first three and last four characters of a long number, the last two of a short one."""
    if len(id_no) < 10:
        return "*" * max(0, len(id_no) - 2) + id_no[-2:]
    return id_no[:3] + "*" * (len(id_no) - 7) + id_no[-4:]


def mask_phone(phone: str) -> str:
    """138****1234."""
    return phone[:3] + "*" * max(0, len(phone) - 7) + phone[-4:]
