"""Devices imitated on a CPU: tensors carry a mark, and what the device would refuse is refused.

It finds mixes of devices, numpy arrays made of device tensors, generators of another device, float64 on Apple's GPUs
and bfloat16 convolutions on old cards. It does not find missing kernels or slow ones. It holds for one thread.
"""

import contextlib

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

ANYWHERE = {  # functions whose tensors may lie on different devices
    *("copy_", "__set__", "size", "set_", "register_hook", "backward", "_has_compatible_shallow_copy_type"),
    *("pack_padded_sequence", "_pack_padded_sequence", "_pad_packed_sequence", "load_state_dict", "is_shared"),
}
RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu"}
INDEXING = {Tensor.__getitem__, Tensor.__setitem__}
CONVOLUTIONS = {"conv1d", "conv2d", "conv_transpose2d"}


class Imitated(TorchFunctionMode):
    """While it is entered, `kind` ("cuda" or "mps") is a device of its own.

    float64, bfloat16: whether the device has them.
    """

    def __init__(self, kind, *, float64=True, bfloat16=True):
        super().__init__()
        self.kind, self.float64, self.bfloat16 = kind, float64, bfloat16
        self._marks = WeakTensorKeyDictionary()
        self._special = {
            Tensor.to: self._to,
            Tensor.cpu: lambda tensor, *_, **__: self._moved(tensor, False),
            Tensor.cuda: lambda tensor, *_, **__: self._moved(tensor, True),
            Tensor.double: lambda tensor, *_, **__: self._to(tensor, torch.float64),
            Tensor.numpy: self._numpy,
            Tensor.__array__: self._array,
            Tensor.device.__get__: lambda tensor: torch.device(kind, 0) if self.on(tensor) else tensor.device,
            Tensor.is_cuda.__get__: lambda tensor: kind == "cuda" and self.on(tensor),
            Tensor.is_mps.__get__: lambda tensor: kind == "mps" and self.on(tensor),
            Tensor.data.__set__: self._set_data,
        }

    def on(self, tensor):
        """Whether a tensor is on the device."""
        return tensor in self._marks

    def mark(self, value, on=True):
        for tensor in tree_leaves(value):
            if isinstance(tensor, Tensor):
                if on:
                    self._marks[tensor] = True
                else:
                    self._marks.pop(tensor, None)
        return value

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in self._special:
            return self._special[func](*args, **kwargs)
        name = getattr(func, "__name__", str(func))
        asked = self._asked_device(kwargs)
        leaves = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        here = [leaf for leaf in leaves if self.on(leaf)]
        self._refuse(func, name, args, kwargs, leaves, here, asked)
        result = func(*args, **kwargs)
        if asked is False or (func in INDEXING and not self.on(args[0])):
            return result
        if name == "_pack_padded_sequence" and here:
            self.mark(result[0])
        elif asked or here:
            self._refuse_float64(result, name)
            self.mark(result)
        return result

    def _asked_device(self, kwargs):
        """True or False where a device is named (then CPU memory is asked for instead), None where none is."""
        device = kwargs.get("device")
        if device is None or isinstance(device, Tensor):
            return None
        device = torch.device(self.kind, device) if isinstance(device, int) else torch.device(device)
        if device.type != self.kind:
            return False
        kwargs["device"] = torch.device("cpu")
        return True

    def _refuse(self, func, name, args, kwargs, leaves, here, asked):
        generator = kwargs.get("generator")
        if (asked or here) and generator is not None and name != "manual_seed":
            raise RuntimeError(f"Expected a '{self.kind}' device type for generator but found '{generator.device}'")
        if name in CONVOLUTIONS and here and not self.bfloat16:
            dtypes = {leaf.dtype for leaf in here} | {self._autocast_dtype()}
            if torch.bfloat16 in dtypes:
                raise RuntimeError("cuDNN has no bfloat16 convolutions on this card")
        if name in ANYWHERE or not here or len(here) == len(leaves):
            return
        if func in INDEXING and self.on(args[0]):
            return
        others = [leaf for leaf in leaves if not self.on(leaf) and leaf.dim() and leaf.device.type != "meta"]
        if name in RECURRENT:  # the batch sizes of a packed sequence stay on the CPU
            others = [leaf for leaf in others if leaf.dtype != torch.int64]
        if others:
            shapes = [tuple(leaf.shape) for leaf in leaves][:6]
            raise RuntimeError(f"Expected all tensors to be on {self.kind}: {resolve_name(func) or name}, {shapes}")

    def autocast(self, device_type, dtype=None, enabled=True, **options):
        """`torch.autocast`, which refuses what the device lacks; here it computes in full precision."""
        if enabled and device_type == self.kind and dtype is torch.bfloat16 and not self.bfloat16:
            raise RuntimeError(f"{self.kind} has no bfloat16 to cast to")
        return contextlib.nullcontext()

    def _autocast_dtype(self):
        return torch.get_autocast_dtype(self.kind) if torch.is_autocast_enabled(self.kind) else None

    def _refuse_float64(self, value, name):
        if self.float64:
            return
        for leaf in tree_leaves(value):
            if isinstance(leaf, Tensor) and leaf.dtype is torch.float64:
                raise TypeError(f"{self.kind} has no float64 ({name})")

    def _moved(self, tensor, on):
        if self.on(tensor) == on:
            return tensor
        return self.mark(tensor.clone(), on)

    def _to(self, tensor, *args, **kwargs):
        copy = kwargs.pop("copy", False)
        if args and isinstance(args[0], Tensor):
            device = torch.device(self.kind if self.on(args[0]) else "cpu")
            dtype, layout = args[0].dtype, None
        else:
            if isinstance(kwargs.get("device"), int):
                kwargs["device"] = torch.device(self.kind)
            device, dtype, _, layout = torch._C._nn._parse_to(*args, **kwargs)
        on = self.on(tensor) if device is None else device.type == self.kind
        options = {"dtype": dtype, "memory_format": layout}
        options = {key: value for key, value in options.items() if value is not None}
        if on:
            self._refuse_float64(torch.empty(0, dtype=dtype or tensor.dtype, device="cpu"), "to")
        if device is not None and device.type == "meta":
            return tensor.to(device, **options)
        moved = tensor.to(copy=copy, **options) if options or copy else tensor
        if moved is tensor and on != self.on(tensor):
            moved = tensor.clone()
        return self.mark(moved, on)

    def _numpy(self, tensor, *_, force=False):
        if self.on(tensor) and not force:
            raise TypeError(f"can't convert {self.kind}:0 device type tensor to numpy")
        return tensor.numpy(force=force)

    def _array(self, tensor, *args, **kwargs):
        if self.on(tensor):
            raise TypeError(f"can't convert {self.kind}:0 device type tensor to numpy")
        return tensor.__array__(*args, **kwargs)

    def _set_data(self, tensor, value):
        Tensor.data.__set__(tensor, value)
        self.mark(tensor, self.on(value))

    @contextlib.contextmanager
    def parameters(self):
        """Parameters made of a tensor are where the tensor is."""
        make = torch.nn.Parameter.__new__

        def made(cls, data=None, requires_grad=True):
            parameter = make(cls, data, requires_grad)
            return self.mark(parameter) if isinstance(data, Tensor) and self.on(data) else parameter

        torch.nn.Parameter.__new__ = made
        try:
            yield
        finally:
            torch.nn.Parameter.__new__ = make
