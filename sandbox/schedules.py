"""What the second hospital of the made-up city has every day, and where its hospitals are."""

from typing import NamedTuple

ADDRESSES = ("云溪市槐荫路 1 号", "云溪市药王街 18 号")


class Daily(NamedTuple):
    """Half-hour slots from `hour` on; `doctor` is (id, name, title), None where nobody is named."""

    kind: str
    department_id: str
    department: str
    doctor: tuple[str, str, str] | None
    place: str
    item: str | None
    hour: int
    slots: int
    capacity: int
    fee_fen: int


DAILY = (
    Daily("clinic", "TCM", "中医内科", ("qin", "秦医生", "主任医师"), "门诊楼一层 2 诊室", None, 8, 6, 3, 0),
    Daily(
        "clinic", "TCM", "中医内科", ("lu", "陆医生", "副主任医师"), "门诊楼一层 3 诊室", None, 14, 6, 3, 0
    ),
    Daily("clinic", "ACU", "针灸科", ("bai", "白医生", "主治医师"), "门诊楼三层 1 诊室", None, 8, 8, 2, 0),
    Daily(
        "clinic", "TUI", "推拿科", ("shen", "沈医生", "主任医师"), "门诊楼三层 6 诊室", None, 9, 4, 1, 5000
    ),
    Daily("checkup", "CHK", "健康管理中心", None, "体检楼二层", "basic", 8, 4, 10, 0),
    Daily("vaccine", "VAC", "预防接种门诊", None, "门诊楼一层东侧", "influenza", 9, 4, 10, 0),
)
