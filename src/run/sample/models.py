"""One model and one expectation over the table `levels`, to begin with. Run them: corrie run

A model is a function that takes tables and returns one. Its name is the table's; with REPLACE it is written anew by
each run. An expectation says whether a table is as it should be.
"""

import corrie


@corrie.model(columns=["gauge", "days", "highest_m", "rain_mm"], materialization_strategy="REPLACE")
def gauges(
    levels=corrie.Model("levels", columns=["gauge", "level_m", "rain_mm"], filter="level_m IS NOT NULL"),
):
    """A row for each gauge: on how many days it was read, how high the water stood, how much rain fell."""
    read = levels.group_by("gauge").aggregate([("level_m", "count"), ("level_m", "max"), ("rain_mm", "sum")])
    read = read.select(["gauge", "level_m_count", "level_m_max", "rain_mm_sum"])
    print(f"{read.num_rows} gauges")
    return read.rename_columns(["gauge", "days", "highest_m", "rain_mm"])


@corrie.expectation()
def each_gauge_was_read_for_a_week(gauges=corrie.Model("gauges", columns=["days"])):
    return min(gauges["days"].to_pylist()) >= 7
