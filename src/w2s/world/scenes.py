"""A miniature world of pictures: six shapes in five colours, and what may vary within a class.

Every shape is a signed distance function, so a picture of any resolution has clean, smooth edges.
"""

import numpy as np

COLOURS = {
    "red": (226, 44, 44),
    "yellow": (246, 212, 48),
    "green": (52, 190, 80),
    "cyan": (60, 206, 232),
    "magenta": (222, 70, 208),
}
TEXTURES = ("plain", "striped")
BACKGROUNDS = {"navy": (24, 28, 78), "grey": (112, 112, 118), "brown": (88, 52, 28)}
RADII = {"small": (0.44, 0.50), "big": (0.64, 0.72)}  # in half image widths

STRIPE_PERIOD = 0.5  # in half image widths
STRIPE_CONTRAST = 0.35  # how far the lighter stripes go towards white
LARGEST_TURN = np.pi / 7  # at full jitter

SCENE = np.dtype(
    [(name, np.int64) for name in ("shape", "colour", "texture", "background", "size")]
    + [(name, np.float64) for name in ("radius", "x", "y", "turn", "phase")]
)
"""One picture: positions in the tables of this module; lengths in half image widths, radians."""


def _circle(x, y):
    return np.hypot(x, y) - 1.0


def _square(x, y):
    return np.maximum(np.abs(x), np.abs(y)) - 0.82


def _triangle(x, y):
    return np.maximum(-y, (np.sqrt(3) * np.abs(x) + y) / 2) - 0.58


def _star(x, y, outer=1.12, inner=0.46):
    sector = np.pi / 5  # folds the five points onto one half of one point
    angle = np.abs((np.arctan2(x, y) + sector) % (2 * sector) - sector)
    distance = np.hypot(x, y)
    edge_x, edge_y = inner * np.sin(sector), inner * np.cos(sector) - outer
    u, v = distance * np.sin(angle), distance * np.cos(angle) - outer
    return (v * edge_x - u * edge_y) / np.hypot(edge_x, edge_y)


def _heart(x, y, half=0.85):
    """A square on its corner and, on its two upper sides, circles as wide as the sides."""
    x, y = np.abs(x), y + 0.1035 * half  # centred in height
    square = (x + np.abs(y) - half) / np.sqrt(2)
    lobe = np.hypot(x - half / 2, y - half / 2) - half / np.sqrt(2)
    return np.minimum(square, lobe)


def _ring(x, y):
    return np.abs(np.hypot(x, y) - 0.76) - 0.24


SHAPES = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "ring": _ring,
}
CLASSES = [f"{colour}-{shape}" for shape in SHAPES for colour in COLOURS]
CAPTION = "{size} {colour} {shape} on {texture} {background}"


def random_scenes(count: int, jitter: float, seed: int) -> np.ndarray:
    """Draw `count` scenes, (count,) of dtype SCENE.

    Classes take turns, and within a class every combination of texture, background and size
    comes equally often, up to one incomplete turn.  `jitter`, from 0 to 1, scales shifts of the
    centre, rotation and stripe phase; it is what makes the world hard to learn.
    """
    rng = np.random.default_rng(seed)
    nuisances = (len(TEXTURES), len(BACKGROUNDS), len(RADII))
    combinations = int(np.prod(nuisances))
    turn, label = np.divmod(np.arange(count), len(CLASSES))
    rounds = -(-count // (len(CLASSES) * combinations))
    order = np.tile(np.arange(combinations), (len(CLASSES), rounds, 1))
    order = rng.permuted(order, axis=2).reshape(len(CLASSES), -1)

    out = np.empty(count, SCENE)
    out["shape"], out["colour"] = np.divmod(label, len(COLOURS))
    out["texture"], out["background"], out["size"] = np.unravel_index(order[label, turn], nuisances)
    low, high = np.array(list(RADII.values())).T
    out["radius"] = rng.uniform(low[out["size"]], high[out["size"]])
    room = jitter * (1 - out["radius"])
    out["x"], out["y"] = rng.uniform(-room, room, (2, count))
    out["turn"] = jitter * rng.uniform(-LARGEST_TURN, LARGEST_TURN, count)
    out["phase"] = jitter * rng.uniform(0, 2 * np.pi, count)
    return out


def draw(scenes: np.ndarray, resolution: int) -> np.ndarray:
    """Pictures of the scenes, uint8 (n, resolution, resolution, 3)."""
    axis = (np.arange(resolution) + 0.5) * (2 / resolution) - 1
    x, y = axis[None, None, :], -axis[None, :, None]  # y points up
    column = {name: scenes[name][:, None, None] for name in SCENE.names}

    wave = np.sin(2 * np.pi / STRIPE_PERIOD * (x + y) / np.sqrt(2) + column["phase"])
    lighter = STRIPE_CONTRAST * (wave + 1) / 2 * (column["texture"] == TEXTURES.index("striped"))
    ground = np.array(list(BACKGROUNDS.values()), float)[scenes["background"]][:, None, None, :]
    ground = ground + lighter[..., None] * (255 - ground)

    x, y = x - column["x"], y - column["y"]
    cos, sin = np.cos(column["turn"]), np.sin(column["turn"])
    x, y = (cos * x + sin * y) / column["radius"], (cos * y - sin * x) / column["radius"]
    distance = np.empty(x.shape)
    for number, shape in enumerate(SHAPES.values()):
        here = scenes["shape"] == number
        distance[here] = shape(x[here], y[here])
    pixels = distance * column["radius"] * (resolution / 2)
    cover = np.clip(0.5 - pixels, 0, 1)[..., None]  # of each pixel, by the shape

    paint = np.array(list(COLOURS.values()), float)[scenes["colour"]][:, None, None, :]
    return np.rint(ground + cover * (paint - ground)).astype(np.uint8)


def attributes(scene: np.void) -> dict[str, str]:
    """The names of one scene's parts, its class and its caption."""
    names = {
        "shape": list(SHAPES)[scene["shape"]],
        "colour": list(COLOURS)[scene["colour"]],
        "texture": TEXTURES[scene["texture"]],
        "background": list(BACKGROUNDS)[scene["background"]],
        "size": list(RADII)[scene["size"]],
    }
    kind = f"{names['colour']}-{names['shape']}"
    return {"class": kind, "caption": CAPTION.format(**names), **names}
