"""Trunks: clips in, pooled features out.

B clips - T frames - H, W height and width - D feature width
"""

from torch import Tensor, nn

from sce.definition import R18, R50, R3d18, R3d50, Small3d, Trunk


def build_trunk(trunk: Trunk) -> nn.Module:
    """A network (B, 3, T, H, W) -> (B, D), with fresh weights from the global generator."""
    match trunk:
        case R3d18():
            return VideoTrunk(r3d18())
        case R3d50():
            return VideoTrunk(r3d50())
        case Small3d():
            return SmallTrunk(trunk.width)
        case R18() | R50():
            return image_trunk(trunk)


def image_trunk(trunk: R18 | R50) -> nn.Module:
    """torchvision's ResNet over clips of one frame; parameters keep torchvision's names."""
    import torchvision  # costs seconds, and videos do not need it

    build = torchvision.models.resnet18 if trunk.kind == "r18" else torchvision.models.resnet50
    network: nn.Module = build(weights=None)
    network.fc = nn.Identity()
    if trunk.small_images:
        network.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
        network.maxpool = nn.Identity()
    network.register_forward_pre_hook(_only_frame)
    return network


def _only_frame(_: nn.Module, arguments: tuple[Tensor]) -> Tensor:
    """(B, 3, 1, H, W) -> (B, 3, H, W)."""
    return arguments[0].squeeze(2)


class VideoTrunk(nn.Module):
    """A network of blocks (B, 3, T, H, W) -> (B, D, T, h, w), averaged over time and space.

    Keys are ``model.blocks.*``, as in the papers' checkpoints.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        features: Tensor = self.model(clips_BCTHW).mean(dim=(2, 3, 4))
        return features


def r3d50() -> nn.Module:
    """3D ResNet-50, 'slow-only', by pytorchvideo's builder with a (1, 7, 7) stem and no head."""
    from pytorchvideo.models.resnet import create_resnet  # only this trunk needs it

    network: nn.Module = create_resnet(
        model_depth=50,
        stem_conv_kernel_size=(1, 7, 7),  # type: ignore[arg-type]  # annotated as one number there
        head=None,  # type: ignore[arg-type]  # documented there as "no head"
    )
    _initialise(network)
    return network


def r3d18() -> nn.Module:
    """3D ResNet-18 of the SCE video paper: basic blocks, 3x3x3 from the third stage on; T never shrinks."""
    widths, strides = (64, 128, 256, 512), (1, 2, 2, 2)
    stages = [
        _BasicStage(width_in, width, stride=stride, kernel_t=1 if stage < 2 else 3)
        for stage, (width_in, width, stride) in enumerate(zip((64, *widths), widths, strides, strict=False))
    ]
    network = _Blocks([_Stem(), *stages])
    _initialise(network)
    return network


class _Blocks(nn.Module):
    def __init__(self, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, clips: Tensor) -> Tensor:
        features: Tensor = self.blocks(clips)
        return features


class _Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 64, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False)
        self.norm = nn.BatchNorm3d(64)
        self.activation = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))

    def forward(self, clips: Tensor) -> Tensor:
        features: Tensor = self.pool(self.activation(self.norm(self.conv(clips))))
        return features


class _BasicStage(nn.Module):
    """Two basic blocks; the first one changes width and resolution."""

    def __init__(self, width_in: int, width: int, *, stride: int, kernel_t: int) -> None:
        super().__init__()
        self.res_blocks = nn.Sequential(
            _BasicBlock(width_in, width, stride=stride, kernel_t=kernel_t),
            _BasicBlock(width, width, stride=1, kernel_t=kernel_t),
        )

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.res_blocks(features)
        return out


class _BasicBlock(nn.Module):
    def __init__(self, width_in: int, width: int, *, stride: int, kernel_t: int) -> None:
        super().__init__()
        if stride != 1 or width_in != width:
            self.branch1_conv = nn.Conv3d(width_in, width, 1, stride=(1, stride, stride), bias=False)
            self.branch1_norm = nn.BatchNorm3d(width)
        self.branch2 = _BasicBranch(width_in, width, stride=stride, kernel_t=kernel_t)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        changes = hasattr(self, "branch1_conv")
        shortcut = self.branch1_norm(self.branch1_conv(features)) if changes else features
        out: Tensor = self.activation(shortcut + self.branch2(features))
        return out


class _BasicBranch(nn.Module):
    def __init__(self, width_in: int, width: int, *, stride: int, kernel_t: int) -> None:
        super().__init__()
        kernel, padding = (kernel_t, 3, 3), (kernel_t // 2, 1, 1)
        self.conv_a = nn.Conv3d(width_in, width, kernel, (1, stride, stride), padding, bias=False)
        self.norm_a = nn.BatchNorm3d(width)
        self.act_a = nn.ReLU(inplace=True)
        self.conv_b = nn.Conv3d(width, width, (1, 3, 3), padding=(0, 1, 1), bias=False)
        self.norm_b = nn.BatchNorm3d(width)

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.norm_b(self.conv_b(self.act_a(self.norm_a(self.conv_a(features)))))
        return out


def _initialise(network: nn.Module) -> None:
    """Kaiming normal convolutions (fan out); the last norm of each residual branch starts at zero."""
    for name, part in network.named_modules():
        if isinstance(part, nn.Conv3d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(part, nn.BatchNorm3d):
            nn.init.constant_(part.weight, 0.0 if _ends_branch(network, name) else 1.0)
            nn.init.zeros_(part.bias)


def _ends_branch(network: nn.Module, name: str) -> bool:
    branch, _, norm = name.rpartition(".")
    if not branch.endswith("branch2"):
        return False
    return norm == ("norm_c" if hasattr(network.get_submodule(branch), "conv_c") else "norm_b")


class SmallTrunk(nn.Module):
    """Four convolutions over space and time, for a laptop's CPU; features are 8 x ``width`` wide.

    Each clip is standardised first, channel by channel over all its frames: light that changes within the clip
    stays, how bright and contrasted the whole clip is goes.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(3, width, (3, 5, 5), (1, 2, 2)),
            _conv(width, 2 * width, (3, 3, 3), (1, 2, 2)),
            _conv(2 * width, 4 * width, (3, 3, 3), (2, 2, 2)),
            _conv(4 * width, 8 * width, (3, 3, 3), (2, 2, 2)),
        )
        _initialise(self.layers)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        mean_BC = clips_BCTHW.mean(dim=(2, 3, 4), keepdim=True)
        deviation_BC = clips_BCTHW.std(dim=(2, 3, 4), keepdim=True)
        # 0.1 keeps a nearly black clip's compression noise from being blown up to a picture.
        standard = (clips_BCTHW - mean_BC) / (deviation_BC + 0.1)
        features: Tensor = self.layers(standard).mean(dim=(2, 3, 4))
        return features


def _conv(
    width_in: int, width: int, kernel: tuple[int, int, int], stride: tuple[int, int, int]
) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    convolution = nn.Conv3d(width_in, width, kernel, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm3d(width), nn.ReLU(inplace=True))
