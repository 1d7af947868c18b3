"""Every metric as one row: its unit, words, display, direction, whether it repeats, and which step of a case yields it.

Tables, charts, comparisons, thresholds, the schema of results.json and docs/reference/metrics.md read these rows; the page is
written anew by `python -m harness.report.metrics_page`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.records.field_types import Unit
from core.records.measurement import Measurement, Value
from core.records.unavailable import Unavailable

Better = Literal["higher", "lower", "neither"]
Step = Literal["identity", "offload", "memory", "execution", "proof", "equality", "accuracy", "rules"]
"""The methods of a case that yield figures (harness/workbench/case.py, rules_case.py)."""
RUN_STEPS = ("execution", "proof", "equality")
"""Steps whose figures depend on the target that ran the model, and not on the compiled file alone."""
VARYING = ("host", "measured")
"""Evidence of clocks that are never the same twice; a simulated clock repeats."""
MISSING = "-"


@dataclass(frozen=True)
class Display:
    """How a value is written: in a format, after it was multiplied by `scale`, in `unit` ("" for a bare number)."""

    form: str
    scale: float = 1.0
    unit: str = ""

    def text(self, value: Value) -> str:
        """The value without its unit; "-" when it could not be had."""
        if isinstance(value, Unavailable):
            return MISSING
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return value
        return format(value if self.scale == 1 else value * self.scale, self.form)


PERCENT = Display(".1f", 100, "%")
SHARE = Display(".3f")
LOSS = Display("+.3f")
TIMES = Display(".2f")
MILLISECONDS = Display(".2f", 1e-3, "ms")
MEBIBYTES = Display(".2f", 2**-20, "MiB")
WHOLE = Display(",")
PIXELS = Display("d", unit="pixels")
WORD = Display("s")
LATENCY_STATS = ("median", "p95", "min", "mean")
GRAPHS = ("float", "int8", "npu")
ESTIMATES = ("vela", "open", "open_low", "open_high")
"""Whose estimate: Vela's, our cycle model's, and the two ends of its interval."""
INTERVAL = ("open_low", "open_high")
PORTS = ("axi0_read", "axi0_write", "axi1_read", "sram_read", "sram_write", "ext_read", "ext_write")
ENDS = ("", "low", "high")
"""A figure with the two ends of its bootstrap interval."""
FREE = ("*",)
"""Stats that the model or the platform names: classes, memory areas, ports, counters."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A row: `title` and `short` (a column's head) are its words, `meaning` and the usual `evidence` those of the reference.

    `sampled` figures differ from run to run of the same thing on real hardware; all others repeat to the last bit. `stats` and
    `graphs` qualify it, ("",) where it has none; `graph` and `stat` are the ones that are meant where none is named. `bounded`
    ratios are 0..1. `detail` figures explain others and decide nothing; `noted` ones are told by their note. `task` is the one
    task that yields it, "" for all; the accuracy that a reader asks a task for has a `drop` (what int8 costs of it), and may
    have a figure for each class.
    """

    name: str
    unit: Unit
    title: str
    meaning: str
    step: Step
    evidence: str = "compiled"
    display: Display = WHOLE
    short: str = ""
    better: Better = "neither"
    sampled: bool = False
    stats: tuple[str, ...] = ("",)
    graphs: tuple[str, ...] = ("",)
    graph: str = ""
    stat: str = ""
    bounded: bool = True
    detail: bool = False
    noted: bool = False
    task: str = ""
    drop: str = ""
    classes: str = ""

    def repeats(self, evidence: str) -> bool:
        """Whether a figure of this evidence is the same in every run of the same thing; a simulated clock repeats."""
        return not (self.sampled and evidence in VARYING)

    @property
    def is_latency(self) -> bool:
        """Whether it is a measured time: then its median is judged, and more of it is slower."""
        return self.sampled and self.unit == "us"

    @property
    def default_stat(self) -> str:
        """The statistic that is meant where none is named and one is judged: a latency's median, Vela's estimate."""
        return "median" if self.is_latency else self.stat

    def named(self, stat: str) -> str:
        """The stat as a name has it: nothing where it is the one that is meant without."""
        return "" if stat == self.stat else stat

    def decides(self, stat: str) -> bool:
        """Whether a figure counts in a comparison: details, other statistics of the same samples and interval ends do not."""
        return not self.detail and stat not in INTERVAL and (not self.is_latency or stat == self.default_stat)

    @property
    def of_target(self) -> bool:
        """Whether it depends on what ran the model."""
        return self.step in RUN_STEPS

    @property
    def over_images(self) -> bool:
        """Whether it depends on the images that the model was shown."""
        return self.step == "accuracy"

    def text(self, figure: Measurement) -> str:
        """A figure of this metric as it is shown, without its unit."""
        if self.noted and figure.unavailable is None:
            return figure.note or MISSING
        return self.display.text(figure.value)


METRICS = (
    Metric(name="activation", unit="name", title="activation", step="identity", display=WORD,
           meaning="activation found in the graph: relu, leaky, silu"),
    Metric(name="same_model_as", unit="name", title="same model as", step="identity", display=WORD,
           meaning="the first model of the session with the same graph and weights, or `none`"),
    Metric(name="parameters", unit="count", title="parameters", step="identity", better="lower",
           meaning="parameters of the unfused model"),
    Metric(name="checkpoint_bytes", unit="bytes", title="checkpoint bytes", step="identity",
           meaning="size of the checkpoint file"),
    Metric(name="npu_operator_share", unit="ratio", title="operators on the NPU", short="ops %", step="offload",
           display=PERCENT, better="higher",
           meaning="source operators that are not on the CPU (executed, fused or elided)"),
    Metric(name="npu_mac_share", unit="ratio", title="MACs on the NPU", short="MACs %", step="offload", display=PERCENT,
           better="higher", meaning="multiply-accumulates that are not on the CPU"),
    Metric(name="npu_cycle_share", unit="ratio", title="estimated cycles on the NPU", short="cycles %", step="offload",
           evidence="estimated", display=PERCENT, better="higher",
           meaning="estimated cycles on the NPU; Vela counts none for the CPU, so 1.0 proves nothing alone"),
    Metric(name="npu_cpu_crossings", unit="count", title="crossings between NPU and CPU", short="crossings", step="offload",
           better="lower", meaning="times execution passes between NPU and CPU"),
    Metric(name="operators_executed", unit="count", title="operators executed", short="executed", step="offload",
           meaning="source operators with an NPU command of their own"),
    Metric(name="operators_fused", unit="count", title="operators fused", short="fused", step="offload",
           meaning="source operators done inside the command of another one"),
    Metric(name="operators_elided", unit="count", title="operators elided", short="elided", step="offload",
           meaning="source operators that need no work"),
    Metric(name="operators_cpu", unit="count", title="operators on the CPU", short="CPU", step="offload", better="lower",
           meaning="source operators that are left to the CPU"),
    Metric(name="macs", unit="count", title="multiply-accumulates", short="MACs", step="offload", better="lower",
           meaning="multiply-accumulates by definition, not Vela's count"),
    Metric(name="npu_executed_share", unit="ratio", title="operators that the run proves the NPU executed", short="ran %",
           step="proof", evidence="the run's", display=PERCENT, better="higher",
           meaning="source operators that the run proves the NPU executed"),
    Metric(name="npu_time_share", unit="ratio", title="NPU active time", short="active %", step="proof", evidence="the run's",
           display=PERCENT, better="higher", sampled=True, meaning="NPU active time of total time"),
    Metric(name="npu_cycles", unit="cycles", title="NPU cycles", short="cycles", step="proof", evidence="the run's",
           better="lower", sampled=True, stats=("active", "idle", "total"),
           meaning="the NPU's own counters for one inference"),
    Metric(name="npu_beats", unit="beats", title="beats on the NPU's ports", short="beats", step="proof",
           evidence="the run's", better="lower", sampled=True, stats=FREE,
           meaning="data beats on the NPU's ports (axi0_read, ...), by its own counters"),
    Metric(name="npu_counter", unit="count", title="NPU counter", short="counter", step="proof", evidence="the run's",
           sampled=True, stats=FREE, meaning="a counter that only the firmware has a name for"),
    Metric(name="estimated_us", unit="us", title="estimate", short="ms, estimated", step="offload", evidence="estimated",
           display=MILLISECONDS, better="lower", stats=ESTIMATES, stat="vela",
           meaning="a whole inference by Vela's estimate, by our cycle model's and the ends of its interval; unavailable with "
           "operators on the CPU, which neither counts; the note says how far ours is validated"),
    Metric(name="npu_estimated_us", unit="us", title="estimate of the NPU's part", short="NPU part ms, estimated",
           step="offload", evidence="estimated", display=MILLISECONDS, better="lower", stats=ESTIMATES, stat="vela",
           meaning="the same of what runs on the NPU alone; unavailable when nothing does"),
    Metric(name="npu_operations", unit="count", title="operations of the NPU's streams", short="operations", step="offload",
           detail=True,
           meaning="computations and transfers in the compiled file's streams, waits and stops left out; unavailable where our "
           "cycle model does not read the file"),
    Metric(name="npu_estimated_beats", unit="beats", title="estimated beats on the NPU's ports", short="beats", step="offload",
           evidence="estimated", better="lower", stats=PORTS,
           meaning="data beats of one inference on each port by our cycle model"),
    Metric(name="estimated_speedup_over_base", unit="ratio", title="times faster than the plain model by the estimate",
           short="x base", step="offload", evidence="estimated", display=TIMES, better="higher", bounded=False,
           stats=ESTIMATES, stat="vela",
           meaning="the plain model's estimate divided by this one's; unavailable where either has none. The interval is the "
           "widest that both intervals allow"),
    Metric(name="arena_bytes", unit="bytes", title="arena", short="MiB", step="memory", display=MEBIBYTES, better="lower",
           meaning="need in the memory of the feature maps"),
    Metric(name="flash_bytes", unit="bytes", title="compiled file", short="flash MiB", step="memory", display=MEBIBYTES,
           better="lower", meaning="size of the compiled file"),
    Metric(name="memory_bytes", unit="bytes", title="memory", step="memory", display=MEBIBYTES, better="lower", stats=FREE,
           meaning="need in each of Vela's memory areas"),
    Metric(name="memory_budget_bytes", unit="bytes", title="memory of the platform", step="memory", evidence="documented",
           display=MEBIBYTES, stats=FREE, meaning="what the profile's platform offers; the note names the source"),
    Metric(name="fitting_imgsz", unit="px", title="largest image size that fits", short="fitting px", step="memory",
           display=PIXELS, better="higher",
           meaning="the largest image size at which a model that does not fit would; 0: none"),
    Metric(name="findings", unit="count", title="findings of the input checks", short="findings", step="offload",
           detail=True,
           meaning="what the input checks found in the file that changes what its figures mean; the note says each"),
    Metric(name="image_size", unit="px", title="image size", short="px", step="offload", display=PIXELS,
           meaning="side of the model's square input"),
    Metric(name="image_height", unit="px", title="image height", short="height px", step="offload", display=PIXELS,
           detail=True, meaning="rows of the model's image input; the note has its colours and layout"),
    Metric(name="image_width", unit="px", title="image width", short="width px", step="offload", display=PIXELS,
           detail=True, meaning="columns of the model's image input"),
    Metric(name="fits", unit="bool", title="fits the platform", short="fits", step="memory", display=WORD, better="higher",
           meaning="every need is within the profile's budget, or the memory of the target's platform; the note says what is "
           "too small"),
    Metric(name="latency_us", unit="us", title="latency", short="ms", step="execution", evidence="the run's",
           display=MILLISECONDS, better="lower", sampled=True, stats=LATENCY_STATS,
           meaning="one inference without pre- and postprocessing"),
    Metric(name="cpu_latency_us", unit="us", title="latency of the CPU beside", short="CPU ms", step="execution",
           evidence="host", display=MILLISECONDS, better="lower", sampled=True, stats=LATENCY_STATS,
           meaning="the plain int8 file on the CPU of the board that `latency_us` was taken on"),
    Metric(name="speedup_over_cpu", unit="ratio", title="times faster than the CPU beside", short="x CPU", step="execution",
           evidence="the run's", display=TIMES, better="higher", sampled=True, bounded=False,
           meaning="median `cpu_latency_us` divided by median `latency_us`, both of the same board"),
    Metric(name="process_peak_bytes", unit="bytes", title="peak memory of the process", short="peak MiB", step="execution",
           evidence="the run's", display=MEBIBYTES, better="lower", sampled=True,
           meaning="peak memory of the process that ran the model"),
    Metric(name="map50", unit="ratio", title="mAP50", step="accuracy", evidence="host; npu: the run's", display=SHARE,
           better="higher", graphs=GRAPHS, task="detect",
           meaning="COCO's rules: confidence .001, NMS IoU .7, best class of a box; IoU .5"),
    Metric(name="map50_95", unit="ratio", title="mAP50-95", step="accuracy", evidence="host; npu: the run's", display=SHARE,
           better="higher", graphs=GRAPHS, task="detect", drop="map50_95_drop", classes="class_map50_95",
           meaning="the same, mean over IoU .5 to .95"),
    Metric(name="map50_ultralytics83", unit="ratio", title="mAP50 by ultralytics 8.3", step="accuracy",
           evidence="host; npu: the run's", display=SHARE, better="higher", graphs=GRAPHS, task="detect",
           meaning="ultralytics 8.3's AP at confidence .25, IoU .45; IoU .5"),
    Metric(name="map50_95_ultralytics83", unit="ratio", title="mAP50-95 by ultralytics 8.3", step="accuracy",
           evidence="host; npu: the run's", display=SHARE, better="higher", graphs=GRAPHS, task="detect",
           meaning="the same, mean over IoU .5 to .95"),
    Metric(name="class_map50", unit="ratio", title="AP50 of a class", step="accuracy", evidence="host; npu: the run's",
           display=SHARE, better="higher", stats=FREE, graphs=GRAPHS, detail=True, task="detect",
           meaning="COCO's rules, one class; the note counts its boxes"),
    Metric(name="class_map50_95", unit="ratio", title="AP50-95 of a class", step="accuracy", evidence="host; npu: the run's",
           display=SHARE, better="higher", stats=FREE, graphs=GRAPHS, detail=True, task="detect",
           meaning="the same, mean over IoU .5 to .95"),
    Metric(name="map50_95_drop", unit="ratio", title="mAP50-95 that int8 costs", short="loss", step="accuracy",
           evidence="host", display=LOSS, better="lower", stats=ENDS, graphs=("int8", "npu"), graph="int8", bounded=False,
           task="detect", meaning="float minus int8, with its 95 % paired bootstrap interval"),
    Metric(name="top1", unit="ratio", title="top-1 accuracy", step="accuracy", evidence="host; npu: the run's", display=SHARE,
           better="higher", graphs=GRAPHS, stats=ENDS, task="classify", drop="top1_drop", classes="class_recall",
           meaning="inputs whose best class is the true one, with the ends of a 95 % bootstrap interval over inputs; of equal "
           "scores the lower class counts"),
    Metric(name="top5", unit="ratio", title="top-5 accuracy", step="accuracy", evidence="host; npu: the run's", display=SHARE,
           better="higher", graphs=GRAPHS, stats=ENDS, task="classify",
           meaning="inputs whose true class is among the best five; for models of more than five classes"),
    Metric(name="class_recall", unit="ratio", title="recall of a class", step="accuracy", evidence="host; npu: the run's",
           display=SHARE, better="higher", stats=FREE, graphs=GRAPHS, detail=True, task="classify",
           meaning="inputs of one class that are taken for it; the note says for what others were taken most"),
    Metric(name="top1_drop", unit="ratio", title="top-1 accuracy that int8 costs", short="loss", step="accuracy",
           evidence="host", display=LOSS, better="lower", stats=ENDS, graphs=("int8", "npu"), graph="int8", bounded=False,
           task="classify", meaning="float minus int8, with its 95 % paired bootstrap interval"),
    Metric(name="auc", unit="ratio", title="area under the ROC curve", step="accuracy", evidence="host; npu: the run's",
           display=SHARE, better="higher", graphs=GRAPHS, stats=ENDS, task="score", drop="auc_drop",
           meaning="the chance that an input of class 1 scores above one of class 0, ties half: of anomaly scores, and of "
           "classifiers of two classes"),
    Metric(name="auc_drop", unit="ratio", title="area under the ROC curve that int8 costs", short="loss", step="accuracy",
           evidence="host", display=LOSS, better="lower", stats=ENDS, graphs=("int8", "npu"), graph="int8", bounded=False,
           task="score", meaning="float minus int8, with its 95 % paired bootstrap interval"),
    Metric(name="bit_exact", unit="bool", title="bytes of the reference", short="exact", step="equality",
           evidence="the run's", display=WORD, better="higher",
           meaning="every output byte is that of TFLite Micro's reference kernels on the plain int8 file"),
    Metric(name="bit_exact_images", unit="count", title="images with the reference's bytes", short="exact", step="equality",
           evidence="the run's", better="higher", noted=True,
           meaning="images with these bytes; the note says of how many"),
    Metric(name="rules_operator_share", unit="ratio", title="operators that the rules take", short="rules ops %", step="rules",
           evidence="rules", display=PERCENT, better="higher",
           meaning="TFLite operators that the hardware's published rules take or fold; never alone: see the two below"),
    Metric(name="rules_mac_share", unit="ratio", title="MACs that the rules take", short="rules MACs %", step="rules",
           evidence="rules", display=PERCENT, better="higher", meaning="multiply-accumulates of those operators"),
    Metric(name="rules_pieces", unit="count", title="pieces by the rules", short="pieces", step="rules", evidence="rules",
           better="lower", meaning="connected NPU segments that could each be one network"),
    Metric(name="rules_functions", unit="count", title="functions as the NPU report counted", short="functions", step="rules",
           evidence="rules", detail=True,
           meaning="functions that TVM hands over when its Ethos-N patterns are never merged; no convolution is in any"),
    Metric(name="rules_function_share", unit="ratio", title="share of functions as the NPU report counted",
           short="functions %", step="rules", evidence="rules", display=PERCENT, detail=True,
           meaning="those functions of themselves and `main`"),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}
ACCURACIES = tuple(metric.name for metric in METRICS if metric.drop)
"""The accuracy that a reader asks each task for, detection's first."""


def metric_of(name: str, unit: Unit = "count") -> Metric:
    """The row of a metric; one that nobody knows yet compares exactly and is better neither way."""
    return BY_NAME.get(name) or Metric(name=name, unit=unit, title=name, meaning="", step="identity", bounded=False)


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name that is most like a wrong one, "" when none is."""
    found = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""
