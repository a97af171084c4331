"""What the household's banks write on rows that are not purchases or bills.

Here belong fixed texts with Plaid's category for each. When the rows come belongs to `household`.
"""

from sandbox.people.rows import Description

_OWN_OUT, _OWN_IN = "TRANSFER_OUT_ACCOUNT_TRANSFER", "TRANSFER_IN_ACCOUNT_TRANSFER"
_INVESTED, _CARD_PAID = "TRANSFER_OUT_INVESTMENT_AND_RETIREMENT_FUNDS", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"

# fmt: off
SALARY_ANA = Description("ACME ROBOTICS INC DES:PAYROLL ID:88421 INDN:RIVERA,ANA", "INCOME_SALARY", "VERY_HIGH", "Acme Robotics", "income_source")
SALARY_DANIEL = Description("ESSEX CNTY SCHOOLS PAYROLL PPD ID:2216000", "INCOME_SALARY", "VERY_HIGH", "Essex County Schools", "income_source")
DRAW_RECEIVED = Description("RIVERA STUDIO DES:OWNER DRAW INDN:RIVERA,ANA CO ID:9000512", _OWN_IN)
TAX_REFUND = Description("IRS TREAS 310 DES:TAX REF INDN:RIVERA ANA & DANIEL", "INCOME_TAX_REFUND", "VERY_HIGH", "Internal Revenue Service", "income_source")
MORTGAGE_PAYMENT = Description("PLATYPUS HOME LOANS MTG PMT WEB ID:4471", "LOAN_PAYMENTS_MORTGAGE_PAYMENT", "VERY_HIGH", "Platypus Home Loans", "financial_institution")
CAR_PAYMENT = Description("FIRST GINGHAM CU AUTO LOAN PMT 2208", "LOAN_PAYMENTS_CAR_PAYMENT", "VERY_HIGH", "First Gingham Credit Union", "financial_institution")
TO_SAVINGS = Description("ONLINE TRANSFER TO TARTAN SAV XXXXXX4471", "TRANSFER_OUT_SAVINGS")
SAVINGS_RECEIVED = Description("ACH DEPOSIT FIRST PLATYPUS BANK TRANSFER", "TRANSFER_IN_SAVINGS")
SAVINGS_SENT = Description("ACH WITHDRAWAL FIRST PLATYPUS BANK TRANSFER", _OWN_OUT)
FROM_SAVINGS = Description("ONLINE TRANSFER FROM TARTAN SAV XXXXXX4471", "TRANSFER_IN_SAVINGS")
TO_HSA = Description("HOUNDSTOOTH HSA CONTRIB WEB ID:HSA0091", _OWN_OUT)
HSA_RECEIVED = Description("EMPLOYEE CONTRIBUTION CURRENT YEAR", _OWN_IN)
TO_BROKERAGE = Description("HOUNDSTOOTH SECURITIES MONEYLINK", _INVESTED)
TO_ALPACA = Description("ALPACA SECURITIES ACH TRANSFER PPD ID:1842", _INVESTED, merchant="Alpaca", kind="financial_institution")
TO_JOINT = Description("TRANSFER TO PLATYPUS JOINT CHK 7730", _OWN_OUT)
JOINT_RECEIVED = Description("ACH DEPOSIT FIRST GINGHAM CU RIVERA D", _OWN_IN)
CASH_CARD_AUTOPAY = Description("PLATYPUS CARD SERVICES AUTOPAY 8841", _CARD_PAID, "VERY_HIGH")
CASH_CARD_PAID = Description("AUTOMATIC PAYMENT - THANK YOU", _CARD_PAID, "VERY_HIGH")
TRAVEL_CARD_AUTOPAY = Description("TARTAN CREDIT CRD AUTOPAY 40291", _CARD_PAID, "VERY_HIGH")
TRAVEL_CARD_PAID = Description("PAYMENT THANK YOU - WEB", _CARD_PAID, "VERY_HIGH")
SAVINGS_INTEREST = Description("INTEREST PAYMENT HIGH YIELD SAVINGS", "INCOME_INTEREST_EARNED", "VERY_HIGH")
HSA_INTEREST = Description("INTEREST CREDIT", "INCOME_INTEREST_EARNED", "VERY_HIGH")
BANK_ERROR = Description("DUPLICATE POSTING ERROR REF 7741002", "TRANSFER_OUT_OTHER_TRANSFER_OUT", "LOW")
NO_CURRENCY = Description("INTL DCC ADJ 000000 REF#", "BANK_FEES_FOREIGN_TRANSACTION_FEES", "LOW")
# fmt: on


def check(number: int) -> Description:
    """A paper check, of which the bank knows only the number."""
    return Description(
        f"CHECK {number}", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "LOW", check_number=str(number)
    )


def cash_withdrawal(terminal: str) -> Description:
    """Cash from a machine."""
    text = f"ATM WITHDRAWAL {terminal} BLOOMFIELD AVE MONTCLAIR NJ"
    return Description(text, "TRANSFER_OUT_WITHDRAWAL", channel="in store", city="Montclair", region="NJ")


def venmo(reference: str, friend: str) -> Description:
    """Money to a friend."""
    return Description(
        f"VENMO PAYMENT {reference} {friend}",
        _OWN_OUT,
        "MEDIUM",
        "Venmo",
        "payment_app",
        "online",
        "venmo.com",
    )
