"""The flags of both benchmark programs, and how they are read.

Knows: names, kinds, defaults, the labels under which values are logged; flags that nobody takes;
the usage. Does not know: what a flag does (`benchmark_model`, `delegates`). Source: LiteRT's
tflite/tools/command_line_flags.cc, benchmark/benchmark_model.cc, benchmark_tflite_model.cc,
delegates/*_provider.cc and litert/tools/benchmark_litert_model.h; one row is one flag.
"""

from __future__ import annotations

from dataclasses import dataclass

Value = bool | int | float | str

# name, default, label in the log
SHARED: list[tuple[str, Value, str]] = [
    ("num_runs", 50, "Min num runs"),
    ("min_secs", 1.0, "Min runs duration (seconds)"),
    ("max_secs", 150.0, "Max runs duration (seconds)"),
    ("run_delay", -1.0, "Inter-run delay (seconds)"),
    ("run_frequency", -1.0, "Number of prorated runs per second"),
    ("num_threads", -1, "Num threads"),
    ("use_caching", False, "Use caching"),
    ("benchmark_name", "", "Benchmark name"),
    ("output_prefix", "", "Output prefix"),
    ("warmup_runs", 1, "Min warmup runs"),
    ("warmup_min_secs", 0.5, "Min warmup runs duration (seconds)"),
    ("verbose", False, ""),
    ("dry_run", False, "Run w/o invoking kernels"),
    ("report_peak_memory_footprint", False, "Report the peak memory footprint"),
    ("memory_footprint_check_interval_ms", 50, "Memory footprint check interval (ms)"),
    ("gpu_invoke_loop_times", 1, ""),
]
CLASSIC: list[tuple[str, Value, str]] = [
    ("graph", "", ""),
    ("signature_to_run_for", "", ""),
    ("list_signatures", False, "List signatures from the provided model"),
    ("input_layer", "", "Input layers"),
    ("input_layer_shape", "", "Input shapes"),
    ("input_layer_value_range", "", "Input value ranges"),
    ("input_layer_value_files", "", "Input value files"),
    ("allow_fp16", False, "Allow fp16"),
    ("require_full_delegation", False, "Require full delegation"),
    ("enable_op_profiling", False, "Enable op profiling"),
    ("max_profiling_buffer_entries", 1024, "Max initial profiling buffer entries"),
    ("allow_dynamic_profiling_buffer_increase", False, ""),
    ("profiling_output_csv_file", "", "CSV File to export profiling data to"),
    ("print_preinvoke_state", False, "Print pre-invoke interpreter state"),
    ("print_postinvoke_state", False, "Print post-invoke interpreter state"),
    ("release_dynamic_tensors", False, "Release dynamic tensor memory"),
    ("optimize_memory_for_large_tensors", 0, "Optimize memory usage for large tensors"),
    ("disable_delegate_clustering", False, "Disable delegate clustering"),
    ("output_filepath", "", "File path to export outputs layer to"),
    ("help", False, "print out all supported flags"),
    ("max_delegated_partitions", 0, "Max number of delegated partitions"),
    ("min_nodes_per_partition", 0, "Min nodes per partition"),
    ("delegate_serialize_dir", "", "Directory for delegate serialization"),
    ("delegate_serialize_token", "", "Model-specific token/key for delegate serialization."),
    ("external_delegate_path", "", "External delegate path"),
    ("external_delegate_options", "", "External delegate options"),
    ("use_gpu", False, "Use gpu"),
    ("gpu_precision_loss_allowed", True, "Allow lower precision in gpu"),
    ("gpu_experimental_enable_quant", True, "Enable running quant models in gpu"),
    ("gpu_inference_for_sustained_speed", False, "Prefer maximizing the throughput in gpu"),
    ("gpu_backend", "", "GPU backend"),
    ("use_hexagon", False, "Use Hexagon"),
    ("hexagon_lib_path", "/data/local/tmp", "Hexagon lib path"),
    ("hexagon_profiling", False, "Hexagon profiling"),
    ("use_nnapi", False, "Use NNAPI"),
    ("nnapi_execution_preference", "", "NNAPI execution preference"),
    ("nnapi_execution_priority", "", "Model execution priority in nnapi"),
    ("nnapi_accelerator_name", "", "NNAPI accelerator name"),
    ("disable_nnapi_cpu", True, "Disable NNAPI cpu"),
    ("nnapi_allow_fp16", False, "Allow fp16 in NNAPI"),
    ("nnapi_allow_dynamic_dimensions", False, "Allow dynamic dimensions in NNAPI"),
    ("nnapi_use_burst_mode", False, "Use burst mode in NNAPI"),
    ("use_xnnpack", False, "Use xnnpack"),
    ("xnnpack_force_fp16", False, "xnnpack_force_fp16"),
]
CLASSIC_NEWER: list[tuple[str, Value, str]] = [
    ("op_profiling_output_mode", "stdout", "Op profiling output mode."),
    ("op_profiling_output_file", "", "Op profiling output file."),
    ("result_file_path", "", "File path to save the benchmark result in binary proto format"),
    ("export_model_runtime_info", False, "Enable Model Runtime Info Export"),
    ("model_runtime_info_output_file", "", "Proto File to export model runtime info to"),
    ("enable_builtin_cast_constant_cache", False, "Constant CAST output cache"),
    ("output_proto_filepath", "", "File path to export outputs layer as tf example to"),
    ("nnapi_support_library_path", "", ""),
    ("xnnpack_weight_cache_file_path", "", "xnnpack_weight_cache_file_path"),
    ("xnnpack_runtime_flags", 0, "Extra flags for XNNPACK runtime"),
    ("tensor_name_display_length", 25, "Tensor name display length"),
    ("tensor_type_display_length", 15, "Tensor type display length"),
    ("alloc_type_display_length", 18, "Tensor allocation type display length"),
]
LITERT: list[tuple[str, Value, str]] = [
    ("graph", "", ""),
    ("signature_to_run_for", "", ""),
    ("use_cpu", True, ""),
    ("use_gpu", False, ""),
    ("use_npu", False, ""),
    ("dispatch_library_path", "", ""),
    ("compiler_plugin_library_path", "", ""),
    ("compiler_cache_path", "", ""),
    ("require_full_delegation", False, ""),
    ("use_profiler", False, ""),
    ("enable_perfetto", False, ""),
    ("gpu_backend", "", ""),
    ("gpu_precision", "auto", ""),
    ("gpu_serialization_dir", "", ""),
    ("gpu_model_cache_key", "", ""),
    ("allow_fp16", True, ""),
    ("gpu_low_priority", False, ""),
    ("enable_weight_sharing", False, ""),
    ("result_file_path", "", ""),
    ("model_runtime_info_output_file", "", ""),
    ("mediatek_nerun_pilot_version", "version8", ""),
    ("qualcomm_htp_performance_mode", "burst", ""),
    ("google_tensor_performance_mode", "", ""),
]
FLAVOURS = {
    "classic": SHARED + CLASSIC + CLASSIC_NEWER,
    "classic-old": SHARED + CLASSIC,
    "litert": SHARED + LITERT,
}
KINDS = {bool: "bool", int: "int32", float: "float", str: "string"}


@dataclass
class Flags:
    """What the command line said. ``given`` are the flags that were named; ``wrong`` the
    complaints; ``unconsumed`` what no flag of this program takes."""

    values: dict[str, Value]
    given: list[str]
    unconsumed: list[str]
    wrong: list[str]

    def __getitem__(self, name: str) -> Value:
        return self.values.get(name, "")


def read(flavour: str, arguments: list[str]) -> Flags:
    """Flags as ``--name=value``; nothing else is one. A name given twice counts once."""
    defaults = {name: default for name, default, _ in FLAVOURS[flavour]}
    flags = Flags(dict(defaults), [], [], [])
    for argument in arguments:
        name, equals, text = argument.removeprefix("--").partition("=")
        known = argument.startswith("--") and equals and name in defaults
        if not known or name in flags.given:
            flags.unconsumed.append(argument)
        else:
            flags.given.append(name)
            try:
                flags.values[name] = _value(defaults[name], text)
            except ValueError:
                flags.wrong.append(f"Failed to parse flag '{name}' against argv '{argument}'")
    return flags


def _value(default: Value, text: str) -> Value:
    if isinstance(default, bool):
        if text not in ("true", "false", "1", "0"):
            raise ValueError(text)
        return text in ("true", "1")
    return type(default)(text)


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def usage(flavour: str, program: str) -> str:
    """The program's usage: one line a flag, with its default and kind."""
    rows = [
        (f"--{name}={_shown(default)}", KINDS[type(default)], label or name)
        for name, default, label in FLAVOURS[flavour]
    ]
    width = max(len(first) for first, _, _ in rows)
    lines = [f"\t{first:<{width}}\t{kind}\toptional\t{label}" for first, kind, label in rows]
    return f"usage: {program} <flags>\nFlags:\n" + "\n".join(lines) + "\n"
