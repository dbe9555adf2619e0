"""Section 3.2 of Chen et al. 2019 in NumPy, written from the paper alone.

One example at a time and one slice at a time, as the paper's sums are
written. Slices come first, the base slice last.
"""

import numpy as np


def softmax(scores):
    shifted = np.exp(scores - np.max(scores))
    return shifted / shifted.sum()


def sigmoid(logit):
    return 1.0 / (1.0 + np.exp(-logit))


def binary_ce(logit, target):
    """Binary cross-entropy of one logit."""
    p = sigmoid(logit)
    return -np.log(p) if target else -np.log(1.0 - p)


def ce(logits, label):
    """Cross-entropy of the base task: one logit is a binary task."""
    if len(logits) == 1:
        return binary_ce(logits[0], label == 1)
    return -np.log(softmax(logits)[label])


def confidence(logits):
    """`abs(p)`; for classes, log odds of the best against the mean other."""
    if len(logits) == 1:
        return abs(logits[0])
    best = np.argmax(logits)
    others = np.delete(logits, best)
    return logits[best] - np.log(np.mean(np.exp(others)))


def forward(z, w):
    """One example through (b) to (f).

    Args:
        z: Representation of the backbone, `[d]`.
        w: Dict of weights: `indicators` list of `(v [d], b)`, one a slice and
            one for the base, or `None` in place of the base's for an
            indicator fixed at 0; `experts` list of `(W [d, h], b [h])`;
            `g` and `f` as `(V [h, c], b [c])`; `hidden`: slices without
            attention.

    Returns:
        `q [k + 1]`, `p [k + 1, c]`, `a [k + 1]`, `logits [c]`.
    """
    q = np.array(
        [0.0 if one is None else z @ one[0] + one[1] for one in w["indicators"]]
    )
    r = np.stack([z @ weight + bias for weight, bias in w["experts"]])
    p = np.stack([r_i @ w["g"][0] + w["g"][1] for r_i in r])
    scores = q + np.array([confidence(p_i) for p_i in p])
    scores[list(w.get("hidden", ()))] = -np.inf
    a = softmax(scores)
    z_slice_aware = sum(a_i * r_i for a_i, r_i in zip(a, r, strict=True))
    return q, p, a, z_slice_aware @ w["f"][0] + w["f"][1]


def paper_losses(q, p, logits, membership, label):
    """`l_base`, `l_ind` and `l_pred` of one example; the base has all."""
    everyone = np.append(membership, 1)
    l_ind = sum(
        binary_ce(q_i, in_i) for q_i, in_i in zip(q, everyone, strict=True)
    )
    l_pred = sum(
        in_i * ce(p_i, label) for p_i, in_i in zip(p, everyone, strict=True)
    )
    return ce(logits, label), l_ind, l_pred


def default_losses(q, p, logits, membership, label, rates, power=0.0):
    """The same under the recipe `default`, with offline rates of slices.

    The base indicator is fixed and has no loss; members and others of a slice
    weigh one half each; members of any slice weigh five times in the base
    loss; expert terms are divided by the slice's rate to `power`.
    """
    l_ind = sum(
        binary_ce(q_i, in_i) * (0.5 / rate if in_i else 0.5 / (1.0 - rate))
        for q_i, in_i, rate in zip(q[:-1], membership, rates, strict=True)
    )
    everyone, all_rates = np.append(membership, 1), np.append(rates, 1.0)
    l_pred = sum(
        in_i * ce(p_i, label) / rate**power
        for p_i, in_i, rate in zip(p, everyone, all_rates, strict=True)
    )
    weight = 5.0 if any(membership) else 1.0
    return weight * ce(logits, label), l_ind, l_pred
