"""Training and measuring the heads that find names for pictures: data, train, evaluate."""
