"""A category for rows that come without one, from words in their text.

Here belongs the guess for custom users only: Plaid's files carry no category. The demo people state theirs.
"""

import re

from sandbox.people.rows import Description

_WORDS: tuple[tuple[str, str, str], ...] = (
    # words, category when money goes out, category when it comes in
    (r"credit (card|crd) (auto)?pay|card payment|discover", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"),
    (r"payroll|salary|direct dep|gusto|paycheck|wages", "INCOME_SALARY", "INCOME_SALARY"),
    (r"social security|\bssa\b|pension|retirement", "INCOME_RETIREMENT_PENSION", "INCOME_RETIREMENT_PENSION"),
    (r"unemployment", "INCOME_UNEMPLOYMENT", "INCOME_UNEMPLOYMENT"),
    (r"child support", "INCOME_CHILD_SUPPORT", "INCOME_CHILD_SUPPORT"),
    (r"\btax ref|tax refund", "INCOME_TAX_REFUND", "INCOME_TAX_REFUND"),
    (r"interest", "BANK_FEES_INTEREST_CHARGE", "INCOME_INTEREST_EARNED"),
    (r"\bfee\b|overdraft", "BANK_FEES_OTHER_BANK_FEES", "BANK_FEES_OTHER_BANK_FEES"),
    (r"mortgage", "LOAN_PAYMENTS_MORTGAGE_PAYMENT", "LOAN_PAYMENTS_MORTGAGE_PAYMENT"),
    (r"student loan", "LOAN_PAYMENTS_STUDENT_LOAN_PAYMENT", "LOAN_PAYMENTS_STUDENT_LOAN_PAYMENT"),
    (r"auto loan|car (loan|payment)", "LOAN_PAYMENTS_CAR_PAYMENT", "LOAN_PAYMENTS_CAR_PAYMENT"),
    (r"\brent\b", "RENT_AND_UTILITIES_RENT", "INCOME_RENTAL"),
    (r"electric|gas & |power|energy", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY"),
    (r"comcast|xfinity|internet|cable", "RENT_AND_UTILITIES_INTERNET_AND_CABLE", "RENT_AND_UTILITIES_INTERNET_AND_CABLE"),
    (r"verizon|at&t|t-mobile|sprint|phone", "RENT_AND_UTILITIES_TELEPHONE", "RENT_AND_UTILITIES_TELEPHONE"),
    (r"insurance|geico|allstate", "GENERAL_SERVICES_INSURANCE", "GENERAL_SERVICES_INSURANCE"),
    (r"whole foods|safeway|kroger|trader joe|grocer|market", "FOOD_AND_DRINK_GROCERIES", "FOOD_AND_DRINK_GROCERIES"),
    (r"starbucks|coffee", "FOOD_AND_DRINK_COFFEE", "FOOD_AND_DRINK_COFFEE"),
    (r"doordash|mcdonald|restaurant|chipotle|pizza|grill", "FOOD_AND_DRINK_RESTAURANT", "FOOD_AND_DRINK_RESTAURANT"),
    (r"shell|chevron|exxon|gas station|\bgas\b|fuel", "TRANSPORTATION_GAS", "TRANSPORTATION_GAS"),
    (r"uber|lyft", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", "INCOME_GIG_ECONOMY"),
    (r"amazon|ebay|etsy", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES"),
    (r"netflix|hulu|movie", "ENTERTAINMENT_TV_AND_MOVIES", "ENTERTAINMENT_TV_AND_MOVIES"),
    (r"\batm\b|withdrawal", "TRANSFER_OUT_WITHDRAWAL", "TRANSFER_IN_DEPOSIT"),
    (r"venmo|zelle|paypal|cash app|transfer", "TRANSFER_OUT_ACCOUNT_TRANSFER", "TRANSFER_IN_ACCOUNT_TRANSFER"),
    (r"deposit", "TRANSFER_OUT_OTHER_TRANSFER_OUT", "TRANSFER_IN_DEPOSIT"),
)  # fmt: skip


def guess_description(text: str, money_in: bool) -> Description:
    """The description of a row that says only `text`; its category is None when no word is known."""
    for words, spent, received in _WORDS:
        if re.search(words, text, re.IGNORECASE):
            return Description(text, received if money_in else spent, "LOW")
    return Description(text, None)
