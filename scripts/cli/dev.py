"""`bin-it-right dev`: what measures, checks and documents the project, each a module of `scripts` with its options."""

import runpy
import sys

import typer

#: The module behind each command, and what it does.
COMMANDS = {
    "interpolate-weights": ("scripts.interpolate_weights", "Write a network that lies between two trained ones."),
    "evaluate-server": ("scripts.evaluate_server", "Measure a split through the gateway and Triton."),
    "left-out-places": ("scripts.left_out_places", "Leave out one place after the other: compare ways to train."),
    "worst-case-memory": ("scripts.worst_case_memory", "Measure how much memory uploads can take at most."),
    "rolling-update": ("scripts.rolling_update", "Replace real Triton servers under load; count what is lost."),
    "benchmark": ("scripts.benchmarks.compare", "Compare the service with alternatives."),
    "benchmark-gpu": ("scripts.benchmarks.gpu", "Measure this GPU."),
    "gpu-run": ("scripts.benchmarks.gpu.runs", "Find what holds this GPU up: service, ceilings or prototypes."),
    "latency": ("scripts.benchmarks.breakdown.latency", "Break the latency of a request down into its parts."),
    "cpu-time": ("scripts.benchmarks.breakdown.cpu_time", "Break the CPU time of a request down by process."),
    "isolation": ("scripts.benchmarks.load.isolation", "Send bad uploads among good ones, and check every answer."),
    "overload": ("scripts.benchmarks.load.overload", "Send four times the capacity: goodput, p99, memory."),
    "perf-data": ("scripts.benchmarks.load.perf_data", "Print photos as perf_analyzer's --input-data."),
    "fuzz": ("scripts.fuzz", "Fuzz what reads the bytes of clients; it needs the dependency group fuzz."),
    "docs-check": ("scripts.docs_check", "Follow every link of the documents and run their command blocks."),
    "settings-table": ("scripts.settings_table", "Write the tables of docs/configuration.md."),
    "readme-table": ("scripts.readme_table", "Write the README's tables of results from the model cards."),
    "readme-answer": ("scripts.readme_answer", "Write a running service's answer into the README."),
    "page-picture": ("scripts.picture_of_page", "Photograph a running service's page for the README."),
    "draw-samples": ("scripts.draw_samples", "Draw the sample pictures, and the one that warms Triton up."),
    "gke-rules": ("scripts.monitoring.gke_rules", "Write Google's copy of the alert rules."),
    "container-check": ("scripts.container_check", "Test and measure NVIDIA's container on this GPU."),
    "sbom": ("scripts.sbom", "Write the bill of materials, the licences and known vulnerabilities."),
}

app = typer.Typer(help="Measure, check and document the project.", no_args_is_help=True)
_OPTIONS_GO_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def _register(name: str, module: str, text: str) -> None:
    @app.command(name, help=f"{text} `{name} --help` has its options.", context_settings=_OPTIONS_GO_ON)
    def run(context: typer.Context) -> None:
        sys.argv = [f"bin-it-right dev {name}", *context.args]
        runpy.run_module(module, run_name="__main__", alter_sys=False)


for _name, (_module, _text) in COMMANDS.items():
    _register(_name, _module, _text)
