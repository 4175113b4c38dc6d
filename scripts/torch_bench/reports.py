"""Reports of `soma bench --save` whose rows are from several rounds, and what two of them come to beside one another."""

import statistics


def key(row):
    return row["workload"], row["batch"], row["metric"]


def merged(rounds):
    """One report of many: the first, with each row of all of them once and all its samples."""
    rows = {}
    for row in (row for report in rounds for row in report["rows"]):
        former = rows.setdefault(key(row), row)
        if former is not row and "samples_s" in former and "samples_s" in row:
            rows[key(row)] = {**former, "samples_s": former["samples_s"] + row["samples_s"]}
    return {**rounds[0], "rows": list(rows.values())}


def counterpart(report, results):
    """The report of PyTorch on the same device, given what it measured in each round for the rows that it has."""
    some = next(iter(results.values()), [{"version": "", "threads": 0, "model": None}])[0]
    device = report["devices"][0]
    rows = [row_of(row, results[key(row)]) for row in report["rows"] if key(row) in results]
    engine = {"engine": "PyTorch", "version": some["version"], "threads": some["threads"], "deterministic": False}
    return {
        "format": report["format"], "environment": {**report["environment"], **engine},
        "devices": [{**device, "model": some["model"] or device["model"], "driver": f"PyTorch {some['version']}", "peaks": {}}],
        "baseline": None, "rows": rows,
    }


def row_of(row, results):
    """A row of the same workload with other samples; what is reckoned from samples is left out."""
    kept = ("device", "workload", "batch", "metric", "better", "precision", "amount", "unit", "operations", "bytes_read", "bytes_written")
    return {
        **{name: row[name] for name in kept if name in row}, "first_call_s": results[0]["first_call_s"], "capped": results[0]["capped"],
        "samples_s": [sample for result in results for sample in result["samples_s"]],
    }


def page(ours, theirs):
    """What was compared, and the table."""
    engines = [f"{name} {report['environment']['version']} on {report['environment']['threads']} threads" for name, report in
               (("Soma", ours), ("PyTorch", theirs))]
    environment, device = ours["environment"], ours["devices"][0]
    return f"{device['model']}: {', '.join(engines)}; load {environment['load']:.2f}; {environment['date']}\n\n{table(ours, theirs)}"


def table(ours, theirs):
    """Markdown: the best of all samples of both, and how many times as fast ours is, by the best and by the medians."""
    others = {key(row): row for row in theirs["rows"]}
    lines = ["| workload | unit | Soma | PyTorch | ratio of bests | of medians |", "|---|---|---:|---:|---:|---:|"]
    for row in ours["rows"]:
        other = others.get(key(row))
        if other is None or "samples_s" not in row or "samples_s" not in other:
            continue
        best, median = (function(other["samples_s"]) / function(row["samples_s"]) for function in (min, statistics.median))
        title = row["workload"] + (f" ×{row['batch']}" if row["batch"] else "")
        lines.append(f"| {title} | {row['unit']} | {value(row)} | {value(other)} | {best:.2f} | {median:.2f} |")
    return "\n".join(lines)


def value(row):
    """The best sample in the row's unit, with three digits."""
    best = min(row["samples_s"])
    number = row["amount"] / best if row["better"] == "higher" else best / row["amount"]
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
