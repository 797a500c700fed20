"""What the sample grids of a finished study say of their pictures."""

from PIL import Image


def test_no_class_stands_above_samples_of_a_network_without_labels(finished):
    figures = finished.path / "results/figures"
    named, bare = (
        Image.open(figures / table / "none.png").height for table in ("guidance", "unconditional")
    )
    assert named > bare
