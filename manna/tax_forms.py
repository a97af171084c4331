"""The lines of United States income tax forms that accounts of the chart lead to.

What belongs here: forms, their lines and labels, and how a line is written in a book's file. What does not: which
account leads to which line (:mod:`manna.ledger.tax_lines`), or any tax computation.

Source: the Internal Revenue Service's forms for tax year 2025. Labels are shortened.
"""

FORMS: dict[str, dict[str, str]] = {
    "Form 1040": {
        "1a": "Wages (Form W-2, box 1)",
        "2a": "Tax-exempt interest",
        "4b": "IRA distributions, taxable",
        "5b": "Pensions and annuities, taxable",
        "6b": "Social security benefits, taxable",
        "25a": "Federal income tax withheld (Form W-2)",
        "26": "Estimated tax payments",
        "37": "Amount owed, paid with the return",
    },
    "Schedule 1": {
        "1": "Taxable refunds of state and local income taxes",
        "2a": "Alimony received",
        "7": "Unemployment compensation",
        "8b": "Gambling winnings",
        "8z": "Other income",
        "13": "Health savings account deduction",
        "16": "Self-employed retirement plans",
        "17": "Self-employed health insurance",
        "18": "Penalty on early withdrawal of savings",
        "19a": "Alimony paid",
        "20": "IRA deduction",
        "21": "Student loan interest",
    },
    "Schedule A": {
        "1": "Medical and dental expenses",
        "5a": "State and local income taxes",
        "5b": "State and local real estate taxes",
        "5c": "State and local personal property taxes",
        "8a": "Home mortgage interest (Form 1098)",
        "8b": "Home mortgage interest not on Form 1098",
        "9": "Investment interest",
        "11": "Gifts to charity by cash or check",
        "12": "Gifts to charity other than by cash",
        "16": "Other itemized deductions",
    },
    "Schedule B": {"1": "Taxable interest", "5": "Ordinary dividends"},
    "Schedule C": {
        "1": "Gross receipts or sales",
        "2": "Returns and allowances",
        "4": "Cost of goods sold",
        "6": "Other income",
        "8": "Advertising",
        "9": "Car and truck expenses",
        "10": "Commissions and fees",
        "11": "Contract labor",
        "12": "Depletion",
        "13": "Depreciation",
        "14": "Employee benefit programs",
        "15": "Insurance (other than health)",
        "16a": "Mortgage interest paid to banks",
        "16b": "Other interest",
        "17": "Legal and professional services",
        "18": "Office expense",
        "19": "Pension and profit-sharing plans",
        "20a": "Rent of vehicles, machinery and equipment",
        "20b": "Rent of other business property",
        "21": "Repairs and maintenance",
        "22": "Supplies",
        "23": "Taxes and licenses",
        "24a": "Travel",
        "24b": "Meals (before the limit)",
        "25": "Utilities",
        "26": "Wages",
        "27b": "Other expenses (Part V)",
        "30": "Business use of home",
    },
    "Schedule D": {"": "Capital gains and losses (Form 8949)"},
    "Schedule E": {
        "3": "Rents received",
        "4": "Royalties received",
        "5": "Advertising",
        "6": "Auto and travel",
        "7": "Cleaning and maintenance",
        "8": "Commissions",
        "9": "Insurance",
        "10": "Legal and other professional fees",
        "11": "Management fees",
        "12": "Mortgage interest paid to banks",
        "13": "Other interest",
        "14": "Repairs",
        "15": "Supplies",
        "16": "Taxes",
        "17": "Utilities",
        "18": "Depreciation",
        "19": "Other expenses",
    },
}
"""Label by form and line, in the order of the forms. Schedule D stands as a whole: Form 8949 has its rows."""

NO_LINE = "none"
"""What a book's file writes for an account that is on no form."""


def form_and_line(text: str) -> tuple[str, str] | None:
    """``"Schedule C 27b"`` as ``("Schedule C", "27b")``; null for :data:`NO_LINE`.

    Raises:
        ValueError: there is no such form or line; the message lists what there is.
    """
    words = " ".join(text.split())
    if words == NO_LINE:
        return None
    for form, lines in FORMS.items():
        if words == form or words.startswith(f"{form} "):
            line = words.removeprefix(form).strip().removeprefix("line").strip()
            if line in lines:
                return form, line
            raise ValueError(f"{form} has no line {line!r} here; there are: {', '.join(lines)}")
    raise ValueError(
        f"no tax form in {text!r}; write e.g. 'Schedule C 18' or none; forms: {', '.join(FORMS)}"
    )
