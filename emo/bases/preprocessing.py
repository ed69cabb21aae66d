"""From stored face crops to the input of a base: the one function that training and use share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emo.datasets.crops import CROP_SCALE, center_cut
from emo.errors import BaseError

_MAX_PX = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """How a base wants to see a face.

    Attributes:
        px: side of the input in pixels.
        scale: side of the input in face sides, at most that of stored crops.
        grey: whether colour is removed first (the three channels are then equal).
        mean, std: per channel R G B, of pixels scaled to 0..1.

    Raises:
        BaseError: a value is out of range.
    """

    px: int
    scale: float
    grey: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 8 <= self.px <= _MAX_PX:
            raise BaseError(f"preprocessing: px must be 8 to {_MAX_PX}, got {self.px}")
        if not 0 < self.scale <= CROP_SCALE:
            raise BaseError(f"preprocessing: scale must be above 0 and at most {CROP_SCALE}, got {self.scale}")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(0 < value < 10 for value in self.std):
            raise BaseError("preprocessing: mean and std need one value for each of R, G and B, std above 0")

    def __call__(self, crops: NDArray[np.uint8], *, stored_scale: float = CROP_SCALE) -> NDArray[np.float32]:
        """Cut, resize and normalise stored crops.

        Args:
            crops: uint8 (N, S, S, 3), RGB.
            stored_scale: side of those crops in face sides.

        Returns:
            float32 (N, 3, px, px).
        """
        return self.normalise(center_cut(crops, scale=self.scale, px=self.px, stored_scale=stored_scale))

    def normalise(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Normalise pictures that are cut already, uint8 (N, px, px, 3) to float32 (N, 3, px, px)."""
        import cv2

        levels = np.arange(256, dtype=np.float32) / 255
        tables = [(levels - mean) / std for mean, std in zip(self.mean, self.std, strict=True)]
        out = np.empty((len(pictures), 3, *pictures.shape[1:3]), dtype=np.float32)
        for picture, target in zip(pictures, out, strict=True):
            if self.grey:
                picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            for channel, table in enumerate(tables):
                target[channel] = cv2.LUT(picture[:, :, channel], table)
        return out

    def to_document(self) -> dict[str, Any]:
        """As a base's file keeps it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Preprocessing:
        """Read what `to_document` wrote.

        Raises:
            KeyError, TypeError, ValueError: a value is missing or has the wrong type.
            BaseError: a value is out of range.
        """
        return cls(
            px=int(document["px"]),
            scale=float(document["scale"]),
            grey=bool(document["grey"]),
            mean=tuple(float(value) for value in document["mean"]),
            std=tuple(float(value) for value in document["std"]),
        )
