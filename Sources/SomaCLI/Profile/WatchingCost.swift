import Soma

/// What watching adds to training steps, by rounds of the same steps watched and unwatched in turn.
struct WatchingCost {
    /// Seconds on the clock of a step, for each round.
    let watched, unwatched: Measurement
    /// How many times as long a watched step takes, for each round.
    let ratios: Measurement

    init(watched: [Double], unwatched: [Double]) {
        (self.watched, self.unwatched) = (Measurement(samples: watched), Measurement(samples: unwatched))
        ratios = Measurement(samples: self.unwatched.ratios(over: self.watched))
    }

    /// Whether the middle half of the rounds has both signs, or there are too few to say.
    var isNoise: Bool { ratios.samples.count < 3 || (ratios.lowerQuartile...ratios.upperQuartile).contains(1) }

    var verdict: String {
        let (lower, upper) = (Quantity.fixed(ratios.lowerQuartile, 3), Quantity.fixed(ratios.upperQuartile, 3))
        let times = "\(Quantity.fixed(ratios.median, 3)) times as long watched (quartiles \(lower) and \(upper))"
        if isNoise { return "\(times): what watching costs cannot be told from noise" }
        let share = "\(Quantity.fixed(abs(ratios.median - 1) * 100, 1)) %"
        return "\(times): " + (ratios.median > 1 ? "watching costs \(share)" : "watched steps take \(share) less, which is not watching's doing")
    }

    var json: JSON {
        [
            "seconds": Self.json(watched), "unwatched_seconds": Self.json(unwatched), "ratio": Self.json(ratios), "is_noise": .bool(isNoise),
        ]
    }

    private static func json(_ measurement: Measurement) -> JSON {
        [
            "median": JSON(measurement.median), "lower_quartile": JSON(measurement.lowerQuartile),
            "upper_quartile": JSON(measurement.upperQuartile),
        ]
    }
}
