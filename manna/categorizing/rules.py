"""The book's rules: which one decides a transaction, and what a rule would change before it is used.

What belongs here: matching rules, and trying them. What does not: their shape (``manna.books``), or whether
another source comes first (``deciding``).
"""

from collections.abc import Sequence

import polars as pl

from manna.books import AmountRange, DaysOfMonth, Rule

TRIAL = {
    "rule": pl.Int64(),
    "conditions": pl.String(),
    "category": pl.String(),
    "matched": pl.Int64(),
    "decided": pl.Int64(),
    "from_category": pl.String(),
    "changed": pl.Int64(),
    "amount": pl.Decimal(18, 4),
    "currency": pl.String(),
}


def first_rule(rules: Sequence[Rule]) -> pl.Expr:
    """Position of the first rule that a transaction meets, else null.

    Needs the columns description, merchant, account_id, account_name, account_mask, amount and date.
    """
    found = [pl.when(meets(rule)).then(pl.lit(position)) for position, rule in enumerate(rules)]
    return pl.coalesce(found) if found else pl.lit(None, dtype=pl.Int32)


def meets(rule: Rule) -> pl.Expr:
    """Whether a transaction meets every condition of ``rule``; never null."""
    asked = []
    if rule.description is not None:
        asked.append(pl.col("description").str.contains(f"(?i){rule.description}"))
    if rule.counterparty is not None:
        asked.append(pl.col("merchant").str.contains(f"(?i){rule.counterparty}"))
    if rule.account is not None:
        asked.append(pl.any_horizontal(pl.col("account_id", "account_name", "account_mask") == rule.account))
    if rule.sign is not None:
        asked.append(pl.col("amount") > 0 if rule.sign == "in" else pl.col("amount") < 0)
    if rule.amount is not None:
        asked.append(_within(rule.amount))
    if rule.day is not None:
        asked.append(_on(rule.day))
    return pl.all_horizontal(asked).fill_null(False)


def _within(wanted: AmountRange) -> pl.Expr:
    amount = pl.col("amount").abs()
    low = pl.lit(True) if wanted.at_least is None else amount >= wanted.at_least
    high = pl.lit(True) if wanted.at_most is None else amount <= wanted.at_most
    return low & high


def _on(days: DaysOfMonth) -> pl.Expr:
    day = pl.col("date").dt.day()
    if days.first <= days.last:
        return day.is_between(days.first, days.last)
    return (day >= days.first) | (day <= days.last)


def with_account(transactions: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """``transactions`` with the name, last digits and type of their account, in the same order."""
    named = accounts.select(
        "account_id", account_name="name", account_mask="mask", account_type="type"
    ).unique("account_id", keep="last", maintain_order=True)
    return transactions.join(named, on="account_id", how="left", maintain_order="left")


def try_rules(rules: Sequence[Rule], transactions: pl.DataFrame, categories: pl.DataFrame) -> pl.DataFrame:
    """What each rule would do, in rows and in money, were these the book's rules.

    Args:
        rules: in their order; the first that is met decides.
        transactions: live rows with their account (:func:`with_account`).
        categories: today's ``categorized.transactions``: transaction_id, category, source. What a person has
            decided no rule changes.

    Returns:
        One row per rule, present category and currency that the rule would change (``changed`` rows that sum
        to ``amount``, ledger's sign), or one row with nulls there for a rule that changes nothing. ``matched``
        counts the rows that meet the rule, ``decided`` those that no rule before it takes.
    """
    now = transactions.join(
        categories.select("transaction_id", present="category", source="source"),
        on="transaction_id",
        how="left",
        maintain_order="left",
    ).with_columns(first=first_rule(rules))
    parts = []
    for position, rule in enumerate(rules):
        decided = now.filter(pl.col("first") == position)
        free = decided.filter(pl.col("source").is_null() | (pl.col("source") != "override"))
        changed = free.filter(pl.col("present").is_null() | (pl.col("present") != rule.category))
        by_category = (
            changed.group_by("present", "currency")
            .agg(changed=pl.len().cast(pl.Int64), amount=pl.col("amount").sum())
            .sort("changed", "present", "currency", descending=[True, False, False], nulls_last=True)
            .select(from_category="present", changed="changed", amount="amount", currency="currency")
        )
        if by_category.is_empty():
            by_category = pl.DataFrame(
                {"from_category": [None], "changed": [0], "amount": [None], "currency": [None]},
                schema={name: TRIAL[name] for name in ("from_category", "changed", "amount", "currency")},
            )
        parts.append(
            by_category.with_columns(
                rule=pl.lit(position + 1, dtype=pl.Int64),
                conditions=pl.lit(rule.wording),
                category=pl.lit(rule.category),
                matched=pl.lit(now.filter(meets(rule)).height, dtype=pl.Int64),
                decided=pl.lit(decided.height, dtype=pl.Int64),
            ).select(pl.col(name).cast(kind) for name, kind in TRIAL.items())
        )
    return pl.concat(parts) if parts else pl.DataFrame(schema=TRIAL)
