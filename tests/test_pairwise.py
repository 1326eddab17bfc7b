from itertools import combinations, product

from tests.pairwise import pairwise


def test_every_two_values_meet_in_few_cases() -> None:
    parameters = ("abcd", [8, 16], "012345", range(5))
    cases = pairwise(*parameters)
    assert len(cases) <= 40
    for one, other in combinations(range(4), 2):
        met = {(case[one], case[other]) for case in cases}
        assert met == set(product(parameters[one], parameters[other]))
