using CapVault.Sdk;

namespace CapVault.Relayer.Orders;

/// <summary>Where an order stands on chain; the numbers are the vault's.</summary>
public enum Phase
{
    /// <summary>Unknown to the vault.</summary>
    None = 0,

    /// <summary>Created, waiting for payment.</summary>
    Negotiation = 1,

    /// <summary>Paid; the price is in the vault.</summary>
    Lock = 2,

    /// <summary>Delivered, under review.</summary>
    Deliver = 3,

    /// <summary>Disputed after delivery; the timed release has stopped.</summary>
    Dispute = 4,

    /// <summary>Final: paid out.</summary>
    Clear = 5,

    /// <summary>Final: rejected.</summary>
    Rejected = 6,

    /// <summary>Final: a deadline passed.</summary>
    Expired = 7,
}

/// <summary>Who takes a step.</summary>
public enum Actor
{
    /// <summary>The account that buys.</summary>
    Requester,

    /// <summary>The account that sells.</summary>
    Provider,

    /// <summary>Whom the terms name to rule on a dispute; a stranger where they name nobody.</summary>
    Arbiter,

    /// <summary>Whom the terms name to open the delivery gate; a stranger where they name nobody.</summary>
    Approver,

    /// <summary>Anyone else.</summary>
    Stranger,
}

/// <summary>What the vault would say to a step.</summary>
public enum Verdict
{
    /// <summary>It would go through.</summary>
    Allowed,

    /// <summary>The terms do not provide for it.</summary>
    InvalidTerms,

    /// <summary>The phase does not allow it.</summary>
    WrongPhase,

    /// <summary>Another one must call.</summary>
    Unauthorized,

    /// <summary>Its deadline has passed.</summary>
    TooLate,

    /// <summary>Its deadline has not passed yet.</summary>
    TooEarly,

    /// <summary>The Approver has not opened the delivery gate.</summary>
    NotApproved,

    /// <summary>The gate is open.</summary>
    AlreadyApproved,

    /// <summary>Nobody has disputed.</summary>
    NotDisputed,

    /// <summary>The Arbiter may rule already.</summary>
    AlreadyDisputed,
}

/// <summary>What the table asks of an order.</summary>
/// <param name="Phase">Where it stands.</param>
/// <param name="Deadline">The last second that counts as in time, unix seconds: pay deadline in NONE and NEGOTIATION, SLA deadline in LOCK, end of the
/// review in DELIVER, of the time to rule in DISPUTE.</param>
public readonly record struct Standing(Phase Phase, long Deadline)
{
    /// <summary>Whether the terms name an Arbiter, and so ask for a review.</summary>
    public bool IsReviewed { get; init; }

    /// <summary>Whether the terms name an Approver.</summary>
    public bool IsGated { get; init; }

    /// <summary>Whether the Approver has opened the gate.</summary>
    public bool IsApproved { get; init; }

    /// <summary>Whether a party has disputed.</summary>
    public bool IsDisputed { get; init; }
}

/// <summary>
/// The protocol's table: who may take which step, from which phase, when. It exists once in Solidity and once here, so that we
/// refuse before we send; a test runs both against each other.
/// </summary>
public static class Protocol
{
    /// <summary>What the vault would say at <paramref name="now"/>. Checked in its order: terms, phase, caller, deadline, flag and approval.</summary>
    /// <param name="step">The step.</param>
    /// <param name="order">Where the order stands.</param>
    /// <param name="actor">Who calls.</param>
    /// <param name="now">Block time, unix seconds.</param>
    /// <param name="refunds">Of a ruling: whether the Provider gets nothing.</param>
    public static Verdict Judge(OrderStep step, Standing order, Actor actor, long now, bool refunds = false)
    {
        if (!(step == OrderStep.Approve ? order.IsGated : order.IsReviewed || !OfReview.Contains(step)))
        {
            return Verdict.InvalidTerms;
        }

        var rows = Rows.Where(row => row.Step == step && row.From == order.Phase).ToList();
        if (rows.Count == 0)
        {
            return Verdict.WrongPhase;
        }

        var named = (actor == Actor.Arbiter && !order.IsReviewed) || (actor == Actor.Approver && !order.IsGated) ? Actor.Stranger : actor;
        var row = rows.Find(row => row.Admits(named));
        return row is null || (row.If == If.Unapproved && order.IsApproved) ? Verdict.Unauthorized
            : row.When == When.UntilDeadline && now > order.Deadline ? Verdict.TooLate
            : row.When == When.AfterDeadline && now <= order.Deadline ? Verdict.TooEarly
            : row.If switch
            {
                If.Once when order.IsApproved => Verdict.AlreadyApproved,
                If.Undisputed when order.IsDisputed => Verdict.AlreadyDisputed,
                If.Disputed when !order.IsDisputed => Verdict.NotDisputed,
                If.Approved or If.Disputed when IsShut(row, order, refunds) => Verdict.NotApproved,
                _ => Verdict.Allowed,
            };
    }

    /// <summary>Whether there is any phase in which this actor may take the step.</summary>
    public static bool MayEver(OrderStep step, Actor actor) => Rows.Any(row => row.Step == step && row.Admits(actor));

    /// <summary>Where the step leads.</summary>
    /// <param name="step">A step that is allowed.</param>
    /// <param name="order">Where the order stands.</param>
    /// <param name="refunds">Of a ruling: whether the Provider gets nothing.</param>
    public static Phase To(OrderStep step, Standing order, bool refunds = false) =>
        step == OrderStep.Deliver && order.IsReviewed ? Phase.Deliver
        : step == OrderStep.Resolve && refunds ? Phase.Rejected
        : Rows.First(row => row.Step == step && row.From == order.Phase).To;

    private static readonly OrderStep[] OfReview = [OrderStep.Release, OrderStep.Dispute, OrderStep.Resolve];

    // Of several rows of a step in a phase the first that admits the caller counts.
    private static readonly Row[] Rows =
    [
        // Anyone may create an order that carries both consents.
        new(OrderStep.Create, Phase.None, Phase.Negotiation, When.UntilDeadline),
        new(OrderStep.Pay, Phase.Negotiation, Phase.Lock, When.UntilDeadline, If.Always, Actor.Requester),
        new(OrderStep.CreateAndPay, Phase.None, Phase.Lock, When.UntilDeadline, If.Always, Actor.Requester),
        new(OrderStep.CreateAndPay, Phase.Negotiation, Phase.Lock, When.UntilDeadline, If.Always, Actor.Requester),
        new(OrderStep.Approve, Phase.Negotiation, Phase.Negotiation, When.Always, If.Once, Actor.Approver),
        new(OrderStep.Approve, Phase.Lock, Phase.Lock, When.Always, If.Once, Actor.Approver),
        // To DELIVER where the terms ask for a review.
        new(OrderStep.Deliver, Phase.Lock, Phase.Clear, When.UntilDeadline, If.Approved, Actor.Provider),
        new(OrderStep.Release, Phase.Lock, Phase.Clear, When.Always, If.Approved, Actor.Requester),
        new(OrderStep.Release, Phase.Deliver, Phase.Clear, When.Always, If.Always, Actor.Requester),
        new(OrderStep.Release, Phase.Deliver, Phase.Clear, When.AfterDeadline),
        new(OrderStep.Release, Phase.Dispute, Phase.Clear, When.Always, If.Always, Actor.Requester),
        new(OrderStep.Release, Phase.Dispute, Phase.Clear, When.AfterDeadline),
        new(OrderStep.Dispute, Phase.Lock, Phase.Lock, When.UntilDeadline, If.Undisputed, Actor.Requester, Actor.Provider),
        new(OrderStep.Dispute, Phase.Deliver, Phase.Dispute, When.UntilDeadline, If.Always, Actor.Requester),
        // To REJECTED where the Provider gets nothing.
        new(OrderStep.Resolve, Phase.Lock, Phase.Clear, When.UntilDeadline, If.Disputed, Actor.Arbiter),
        new(OrderStep.Resolve, Phase.Deliver, Phase.Clear, When.UntilDeadline, If.Disputed, Actor.Arbiter),
        new(OrderStep.Resolve, Phase.Dispute, Phase.Clear, When.UntilDeadline, If.Disputed, Actor.Arbiter),
        new(OrderStep.Reject, Phase.None, Phase.Rejected, When.Always, If.Always, Actor.Requester, Actor.Provider),
        new(OrderStep.Reject, Phase.Negotiation, Phase.Rejected, When.Always, If.Always, Actor.Requester, Actor.Provider),
        new(OrderStep.Reject, Phase.Negotiation, Phase.Rejected, When.Always, If.Unapproved, Actor.Approver),
        new(OrderStep.Reject, Phase.Lock, Phase.Rejected, When.Always, If.Always, Actor.Provider),
        new(OrderStep.Reject, Phase.Lock, Phase.Rejected, When.Always, If.Unapproved, Actor.Approver),
        new(OrderStep.Reject, Phase.Deliver, Phase.Rejected, When.Always, If.Always, Actor.Provider),
        new(OrderStep.Reject, Phase.Dispute, Phase.Rejected, When.Always, If.Always, Actor.Provider),
        new(OrderStep.Expire, Phase.Negotiation, Phase.Expired, When.AfterDeadline),
        new(OrderStep.Expire, Phase.Lock, Phase.Expired, When.AfterDeadline),
    ];

    // The gate keeps money from the Provider as long as it has not delivered; it never holds a refund back.
    private static bool IsShut(Row row, Standing order, bool refunds) =>
        row.From == Phase.Lock && order.IsGated && !order.IsApproved && !(row.Step == OrderStep.Resolve && refunds);

    private enum When
    {
        Always,
        UntilDeadline,
        AfterDeadline,
    }

    private enum If
    {
        Always,

        /// <summary>The gate is open, or there is none.</summary>
        Approved,

        /// <summary>The Approver has not spoken; else it is as a stranger.</summary>
        Unapproved,

        /// <summary>The same; else it is too late to say it again.</summary>
        Once,

        /// <summary>A party has disputed, and the gate is open.</summary>
        Disputed,

        /// <summary>Nobody has disputed.</summary>
        Undisputed,
    }

    /// <param name="Who">Empty: anyone.</param>
    private sealed record Row(OrderStep Step, Phase From, Phase To, When When, If If = If.Always, params Actor[] Who)
    {
        public bool Admits(Actor actor) => Who.Length == 0 || Who.Contains(actor);
    }
}
