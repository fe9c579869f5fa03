"""Folds, class weights and imputed numbers of scikit-learn.

    python3 make_split_cases.py     (scikit-learn 1.8 or later, numpy)

Writes tests/data/splits/cases.json for tests/data_module/groups_test.cpp.
"""
import json
import pathlib

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.utils.class_weight import compute_class_weight

OUT = pathlib.Path(__file__).parent / "splits"


def folds(splitter, y, groups):
    return [
        test.tolist() for _, test in splitter.split(np.zeros((len(y), 1)), y, groups)
    ]


def main():
    OUT.mkdir(exist_ok=True)
    rng = np.random.default_rng(11)
    cases = []
    for rows, groups, classes, splits in (
        (12, 4, 2, 2),
        (50, 11, 3, 4),
        (200, 40, 2, 5),
        (300, 17, 6, 3),
    ):
        y = rng.integers(0, classes, rows)
        y[: rows // 3] = 0
        of_row = rng.integers(0, groups, rows) * 7 - 20
        cases.append(
            {
                "n_splits": splits,
                "y": y.tolist(),
                "groups": of_row.tolist(),
                "group": folds(GroupKFold(splits), y, of_row),
                "stratified": folds(StratifiedGroupKFold(splits), y, of_row),
                "weights": compute_class_weight(
                    "balanced", classes=np.unique(y), y=y
                ).tolist(),
                "classes": np.unique(y).tolist(),
            }
        )
    x = rng.integers(0, 5, (9, 4)).astype(float)
    x[rng.random(x.shape) < 0.3] = np.nan
    imputed = {
        strategy: SimpleImputer(strategy=strategy).fit_transform(x).tolist()
        for strategy in ("mean", "median", "most_frequent")
    }
    table = [[None if np.isnan(v) else v for v in row] for row in x.tolist()]
    (OUT / "cases.json").write_text(
        json.dumps(
            {"folds": cases, "x": table, "imputed": imputed}, separators=(",", ":")
        )
    )


if __name__ == "__main__":
    main()
