"""The frontier of two columns: what no other evaluation of a method betters in both."""

from w2s.report.tune import frontier


def cells(**values):
    """Rows with an FD, of which less is better, and a recall, of which more is."""
    return {
        name: {"fd": {"value": fd}, "recall": {"value": recall}}
        for name, (fd, recall) in values.items()
    }


def test_what_another_row_betters_in_both_is_left_out():
    rows = cells(a=(3.0, 0.9), b=(2.0, 0.8), c=(2.5, 0.7), d=(1.0, 0.6))
    assert frontier(list(rows), rows, "recall", "fd") == ["a", "b", "d"]


def test_one_row_that_is_best_in_both_is_all():
    rows = cells(a=(3.0, 0.9), b=(2.0, 0.95), c=(2.0, 0.7))
    assert frontier(list(rows), rows, "recall", "fd") == ["b"]


def test_of_rows_that_are_equal_in_one_column_the_better_stays():
    rows = cells(a=(3.0, 0.9), b=(2.0, 0.9), c=(2.0, 0.9))
    assert frontier(list(rows), rows, "recall", "fd") == ["b"]
    assert frontier(["c", "b"], rows, "recall", "fd") == ["c"]
