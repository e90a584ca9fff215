"""The compiled operators inside PyTorch: gradients, compilation, export, autocast."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.ops.cases import LEVELS, Case, attention_case, sampling_case
from vidtrack import ops
from vidtrack.ops import reference

pytestmark = pytest.mark.usefixtures("compiled")

SMALL = {"batch": 1, "queries": 3, "heads": 2, "channels": 3, "shapes": [(4, 5), (2, 3)]}


def flat(shapes: list[tuple[int, int]]) -> list[int]:
    return [size for shape in shapes for size in shape]


@pytest.mark.parametrize("reference_size", [2, 4])
def test_gradcheck_fused(reference_size: int) -> None:
    case = attention_case(**SMALL, reference_size=reference_size, dtype=torch.float64).requires_grad()
    assert torch.autograd.gradcheck(lambda *t: ops.deformable_attention(t[0], case.shapes, *t[1:]), case.tensors)


def test_gradcheck_unfused() -> None:
    case = sampling_case(queries=3, channels=3, shapes=[(4, 5), (2, 3)], dtype=torch.float64).requires_grad()
    assert torch.autograd.gradcheck(lambda *t: ops.deformable_sampling(t[0], case.shapes, *t[1:]), case.tensors)


def test_second_derivative_is_refused() -> None:
    case = attention_case(**SMALL).requires_grad()
    (grad,) = torch.autograd.grad(case.run(ops.deformable_attention).sum(), case.value, create_graph=True)
    with pytest.raises(NotImplementedError, match="once"):
        grad.sum().backward()


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # opcheck's own
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_opcheck(dtype: torch.dtype) -> None:
    fused, unfused = attention_case(dtype=dtype), sampling_case(dtype=dtype)
    for case, operator in ((fused, "deformable_attention"), (unfused, "deformable_sampling")):
        overload = getattr(torch.ops.vidtrack, operator).default
        torch.library.opcheck(overload, (case.value, flat(case.shapes), *case.others))
        with_grad = case.to(dtype).requires_grad()
        torch.library.opcheck(overload, (with_grad.value, flat(case.shapes), *with_grad.others))


class Layer(nn.Module):
    """Projections around the operator, as in the detector."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.value, self.offsets, self.logits = (
            nn.Linear(64, 64),
            nn.Linear(64, 4 * 3 * 4 * 2),
            nn.Linear(64, 4 * 3 * 4),
        )

    def forward(self, tokens: Tensor, queries: Tensor, points: Tensor) -> Tensor:
        value = self.value(tokens).unflatten(-1, (4, 16))
        offsets = self.offsets(queries).unflatten(-1, (4, 3, 4, 2))
        logits = self.logits(queries).unflatten(-1, (4, 3, 4))
        return ops.deformable_attention(value, LEVELS, points, offsets, logits)


def layer_inputs() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(2, sum(h * w for h, w in LEVELS), 64), torch.randn(2, 9, 64), torch.rand(2, 9, 3, 2)


def test_compiles_as_one_graph_with_gradients() -> None:
    layer, inputs = Layer(), layer_inputs()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    eager, found = layer(*inputs), compiled(*inputs)
    torch.testing.assert_close(found, eager)
    expected = torch.autograd.grad(eager.square().sum(), tuple(layer.parameters()))
    grads = torch.autograd.grad(found.square().sum(), tuple(layer.parameters()))
    torch.testing.assert_close(grads, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_compiles_with_inductor() -> None:
    layer, inputs = Layer(), layer_inputs()
    torch.testing.assert_close(torch.compile(layer, fullgraph=True)(*inputs), layer(*inputs))


def test_exports() -> None:
    layer, inputs = Layer(), layer_inputs()
    program = torch.export.export(layer, inputs)
    assert any("vidtrack.deformable_attention" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(*inputs), layer(*inputs))


def test_autocast_lowers_value_and_keeps_coordinates() -> None:
    case = attention_case(shapes=[(100, 167)], channels=16)
    with torch.autocast("cpu", torch.bfloat16):
        output = case.run(ops.deformable_attention)
    assert output.dtype == torch.bfloat16
    lowered = Case(case.value.bfloat16().float(), case.shapes, case.others)
    exact = lowered.run(reference.deformable_attention)
    torch.testing.assert_close(output.float(), exact, rtol=2**-8, atol=1e-4)


def test_autocast_trains() -> None:
    layer, inputs = Layer(), layer_inputs()
    with torch.autocast("cpu", torch.bfloat16):
        layer(*inputs).float().square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in layer.parameters())
