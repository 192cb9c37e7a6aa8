"""The multimodal variational autoencoder: one latent code for all modalities, whichever of them are there."""

import math

import keras
from keras import ops

from mmlib.layers.latent import GaussianSampling, MixtureOfExperts, ProductOfExperts
from mmlib.ops import gaussian_kl

EXPERTS = {"product": ProductOfExperts, "mixture": MixtureOfExperts}


@keras.saving.register_keras_serializable("mmlib")
class MultimodalVAE(keras.Model):
    """One code z explains all modalities: z ~ N(0, I), x_m ~ N(decoder_m(z), noise_m²), independent given z.

    Each encoder states a Gaussian opinion about z. What is known from a set S of modalities is their product with the
    prior, or their mixture. Training maximises, averaged over the sets S,

    ELBO_S = Σ_m E_q(z|x_S) log p(x_m | z) - β KL(q(z | x_S) || N(0, I)),

    the sum over *all* modalities that the data has, in S or not. With "product" a random non-empty set is drawn for
    each row and step; with "mixture" one modality is, and the bound is the mean of the single ones.

        model = MultimodalVAE(encoders, decoders, noise={"audio": 1.0, "image": 0.2})
        model.compile("adam")
        model.fit({"audio": spectrograms, "image": images})
        drawn = model({"audio": spectrograms})["image"]

    Where rows lack modalities, hand ``fit`` a dict of Boolean (B,) arrays as its second argument, True = present: what
    is absent is neither read nor reconstructed.

    Args:
        encoders: dict, modality name to a built `keras.Model` that returns (B, 2D): the mean, then the log-variance.
        decoders: dict with the same names, to a built `keras.Model` (B, D) -> (B, …).
        experts: "product" or "mixture".
        beta: β, the weight of the divergence; with 1 it is the ELBO.
        noise: the standard deviation of every modality around its decoder, a number or a dict of numbers.
        subsample: False shows a product always every modality there is. It is then no translator.
        seed: of all draws.

    Call arguments:
        inputs: dict of (B, …), any non-empty subset of the modalities.
        present: dict of (B,) Boolean, True = present; None means all of ``inputs`` are.

    Returns:
        a dict with an entry for *every* modality: what one code drawn from q(z | inputs) decodes to.

    Raises:
        ValueError: names or widths that do not match, unknown experts, noise that is not positive.

    Reference: Wu & Goodman 2018 (NeurIPS); Shi et al. 2019 (NeurIPS); β: Higgins et al. 2017 (ICLR).
    Derived in chapter 10.
    """

    def __init__(self, encoders, decoders, experts="product", beta=1.0, noise=1.0, subsample=True, seed=None, **kwargs):
        super().__init__(**kwargs)
        widths = {key: model.outputs[0].shape[1:] for key, model in encoders.items()}
        codes = {key: tuple(2 * width for width in model.inputs[0].shape[1:]) for key, model in decoders.items()}
        if not widths or widths != codes or len(set(widths.values())) != 1:
            raise ValueError(
                "`encoders` must return (B, 2D) and `decoders` take (B, D), with the same names and one D. "
                f"Received: encoders that return {widths}, decoders that need {codes}"
            )
        if experts not in EXPERTS:
            raise ValueError(f"`experts` must be one of {sorted(EXPERTS)}. Received: experts={experts!r}")
        self.noise = dict(noise) if isinstance(noise, dict) else dict.fromkeys(encoders, noise)
        if set(self.noise) != set(encoders) or not all(level > 0 for level in self.noise.values()):
            raise ValueError(f"`noise` must be positive, one number or one for each modality. Received: noise={noise}")
        self.encoders, self.decoders = dict(encoders), dict(decoders)
        self.experts, self.beta, self.subsample, self.seed = experts, beta, subsample, seed
        seeds = [None] * 3 if seed is None else [seed, seed + 1, seed + 2]
        self.join = ProductOfExperts() if experts == "product" else MixtureOfExperts(seed=seeds[0])
        self.sample = GaussianSampling(seed=seeds[1])
        self.generator = keras.random.SeedGenerator(seeds[2])
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("kl", *sorted(encoders))}
        self.built = True  # the parts are

    def posterior(self, inputs, present=None):
        """(mean, log_var), each (B, D), of q(z | inputs); with a mixture, of the expert chosen for each row."""
        opinions = {key: ops.split(self.encoders[key](x), 2, axis=-1) for key, x in inputs.items()}
        means, log_vars = ({key: opinion[i] for key, opinion in opinions.items()} for i in (0, 1))
        return self.join(means, log_vars, present)

    def decode(self, z):
        """What the codes z, (B, D), decode to: a dict of (B, …)."""
        return {key: decoder(z) for key, decoder in sorted(self.decoders.items())}

    def call(self, inputs, present=None):
        return self.decode(self.sample(*self.posterior(inputs, present)))

    def elbo_terms(self, inputs, present=None, given=None):
        """The terms of the ELBO, from one draw of z, in nats.

        Args:
            inputs, present: as for a call: what the data has, and what is therefore to be explained.
            given: dict of (B,) Boolean: what the encoders are shown; None means all that is present.

        Returns:
            a dict of (B,): log p(x_m | z) under each modality's name (0 where it is absent), and "kl".
        """
        mean, log_var = self.posterior(inputs, present if given is None else given)
        decoded = self.decode(self.sample(mean, log_var))
        terms = {"kl": gaussian_kl(mean, log_var)}
        for key, x in inputs.items():
            axes, size = tuple(range(1, len(x.shape))), math.prod(decoded[key].shape[1:])
            squares = ops.sum(ops.square((x - decoded[key]) / self.noise[key]), axis=axes)
            terms[key] = -0.5 * squares - size * math.log(self.noise[key] * math.sqrt(2 * math.pi))
            if present is not None:
                terms[key] = ops.where(ops.cast(present[key], "bool"), terms[key], 0.0)
        return terms

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        given = self._random_sets(x, y) if training and self.subsample and self.experts == "product" else None
        terms = self.elbo_terms(x, y, given)
        for name, values in terms.items():
            self.trackers[name].update_state(values)
        return ops.mean(self.beta * terms["kl"] - sum(terms[key] for key in x))

    def _random_sets(self, inputs, present):
        """For each row a random non-empty set of what is present: each with chance ½, the luckiest in any case."""
        names = sorted(inputs)
        flags = [True if present is None else ops.cast(present[name], "bool") for name in names]
        draws = keras.random.uniform((ops.shape(inputs[names[0]])[0], len(names)), seed=self.generator)
        draws = ops.stack([ops.where(flag, draws[:, i], -1.0) for i, flag in enumerate(flags)], axis=1)
        keep = ops.logical_and(draws >= 0, (draws > 0.5) | (draws == ops.max(draws, axis=1, keepdims=True)))
        return {name: keep[:, i] for i, name in enumerate(names)}

    def get_config(self):
        own = {name: getattr(self, name) for name in ("experts", "beta", "subsample", "seed")}
        parts = {"encoders": dict(self.encoders), "decoders": dict(self.decoders)}
        saved = {name: {k: keras.saving.serialize_keras_object(m) for k, m in p.items()} for name, p in parts.items()}
        return {**super().get_config(), **own, **saved, "noise": dict(self.noise)}

    @classmethod
    def from_config(cls, config):
        for name in ("encoders", "decoders"):
            config[name] = {k: keras.saving.deserialize_keras_object(m) for k, m in config[name].items()}
        return cls(**config)
