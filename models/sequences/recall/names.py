"""The names of the recall task: 24 with 24 different first letters, so that whoever guesses is right in 1 of 24."""

NAMES = (
    *("Anna", "Ben", "Clara", "David", "Emma", "Fred", "Grace", "Henry", "Ida", "Jack", "Kate", "Leo"),
    *("Mary", "Ned", "Olive", "Paul", "Quinn", "Ruth", "Sam", "Tom", "Ursula", "Vera", "Will", "Zoe"),
)
