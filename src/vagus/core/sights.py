"""What detectors make out in pictures: the eighty kinds of the COCO data set, in their order, in English and Korean.

Source of the list: Lin et al., "Microsoft COCO: Common Objects in Context" (2014), the categories of its 2017 release.
"""

from dataclasses import dataclass

import numpy as np

from vagus.core.messages import N_SIGHTS, Record

KINDS: tuple[tuple[str, str], ...] = (
    ("person", "사람"), ("bicycle", "자전거"), ("car", "자동차"), ("motorcycle", "오토바이"), ("airplane", "비행기"),
    ("bus", "버스"), ("train", "기차"), ("truck", "트럭"), ("boat", "배"), ("traffic light", "신호등"),
    ("fire hydrant", "소화전"), ("stop sign", "정지 표지판"), ("parking meter", "주차 미터기"), ("bench", "벤치"),
    ("bird", "새"), ("cat", "고양이"), ("dog", "개"), ("horse", "말"), ("sheep", "양"), ("cow", "소"),
    ("elephant", "코끼리"), ("bear", "곰"), ("zebra", "얼룩말"), ("giraffe", "기린"), ("backpack", "배낭"),
    ("umbrella", "우산"), ("handbag", "손가방"), ("tie", "넥타이"), ("suitcase", "여행 가방"), ("frisbee", "프리스비"),
    ("skis", "스키"), ("snowboard", "스노보드"), ("sports ball", "공"), ("kite", "연"), ("baseball bat", "야구 방망이"),
    ("baseball glove", "야구 장갑"), ("skateboard", "스케이트보드"), ("surfboard", "서핑 보드"),
    ("tennis racket", "테니스 라켓"), ("bottle", "병"), ("wine glass", "와인 잔"), ("cup", "컵"), ("fork", "포크"),
    ("knife", "칼"), ("spoon", "숟가락"), ("bowl", "그릇"), ("banana", "바나나"), ("apple", "사과"),
    ("sandwich", "샌드위치"), ("orange", "오렌지"), ("broccoli", "브로콜리"), ("carrot", "당근"), ("hot dog", "핫도그"),
    ("pizza", "피자"), ("donut", "도넛"), ("cake", "케이크"), ("chair", "의자"), ("couch", "소파"),
    ("potted plant", "화분"), ("bed", "침대"), ("dining table", "식탁"), ("toilet", "변기"), ("tv", "텔레비전"),
    ("laptop", "노트북"), ("mouse", "마우스"), ("remote", "리모컨"), ("keyboard", "키보드"), ("cell phone", "휴대폰"),
    ("microwave", "전자레인지"), ("oven", "오븐"), ("toaster", "토스터"), ("sink", "싱크대"),
    ("refrigerator", "냉장고"), ("book", "책"), ("clock", "시계"), ("vase", "꽃병"), ("scissors", "가위"),
    ("teddy bear", "곰 인형"), ("hair drier", "헤어드라이어"), ("toothbrush", "칫솔"),
)  # fmt: skip
"""Index → name, English and Korean."""
RECENT_NS = 2_000_000_000
"""What was made out in an older exposure [ns] says little about now: twice a detector's period."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing made out in one picture: what it is like, not where it is in the room."""

    kind: int
    """Index into ``KINDS``."""
    score: float
    """How sure the detector is, 0 to 1."""
    box: tuple[float, float, float, float]
    """Its left, top, right and bottom in the picture [px]."""


def write_sights(record: Record, sights: list[Sight]) -> None:
    """Write the surest ones into a ``sights`` record, as many as it holds."""
    kept = sorted(sights, key=lambda one: -one.score)[:N_SIGHTS]
    record["n"], record["box"] = len(kept), np.nan
    for k, one in enumerate(kept):
        record["kind"][k], record["score"][k], record["box"][k] = one.kind, one.score, one.box


def read_sights(record: Record) -> list[Sight]:
    """Return what a ``sights`` record holds, the surest first; a kind that there is not is left out."""
    rows = zip(record["kind"], record["score"], record["box"], strict=True)
    found = [Sight(int(kind), float(score), tuple(map(float, box))) for kind, score, box in rows]  # type: ignore[arg-type]
    return [one for one in found[: int(record["n"])] if one.kind < len(KINDS)]


def recent_sights(record: Record | None, now_ns: int) -> list[Sight]:
    """Return the same, or none if there is no record or its exposure is too old to say anything about now."""
    return [] if record is None or now_ns - int(record["origin_ns"].min()) > RECENT_NS else read_sights(record)
