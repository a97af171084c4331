import json, worlds
def test_days(world):
    w=world
    print(w.read("clean.holdings").select("security_id","as_of","account_id").rows())
