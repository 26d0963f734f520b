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

    /// <summary>Disputed after delivery.</summary>
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

    /// <summary>Anyone else.</summary>
    Stranger,
}

/// <summary>What the vault would say to a step.</summary>
public enum Verdict
{
    /// <summary>It would go through.</summary>
    Allowed,

    /// <summary>The phase does not allow it.</summary>
    WrongPhase,

    /// <summary>Another one must call.</summary>
    Unauthorized,

    /// <summary>Its deadline has passed.</summary>
    TooLate,

    /// <summary>Its deadline has not passed yet.</summary>
    TooEarly,
}

/// <summary>
/// The protocol's table: who may take which step, from which phase, when. It exists once in Solidity and once here, so that we
/// refuse before we send; a test runs both against each other.
/// </summary>
public static class Protocol
{
    /// <summary>What the vault would say at <paramref name="now"/>. Checked in its order: phase, caller, deadline.</summary>
    /// <param name="step">The step.</param>
    /// <param name="phase">Where the order stands.</param>
    /// <param name="actor">Who calls.</param>
    /// <param name="now">Block time, unix seconds.</param>
    /// <param name="deadline">Pay deadline in NONE and NEGOTIATION, SLA deadline in LOCK; the last second that counts as in time.</param>
    public static Verdict Judge(OrderStep step, Phase phase, Actor actor, long now, long deadline)
    {
        var row = Rows.FirstOrDefault(row => row.Step == step && row.From == phase);
        if (row is null)
        {
            return Verdict.WrongPhase;
        }

        if (row.Who.Length > 0 && !row.Who.Contains(actor))
        {
            return Verdict.Unauthorized;
        }

        return row.When switch
        {
            When.UntilDeadline when now > deadline => Verdict.TooLate,
            When.AfterDeadline when now <= deadline => Verdict.TooEarly,
            _ => Verdict.Allowed,
        };
    }

    /// <summary>Whether there is any phase in which this actor may take the step.</summary>
    public static bool MayEver(OrderStep step, Actor actor) => Rows.Any(row => row.Step == step && (row.Who.Length == 0 || row.Who.Contains(actor)));

    /// <summary>Where the step leads.</summary>
    public static Phase To(OrderStep step, Phase from) => Rows.Single(row => row.Step == step && row.From == from).To;

    private static readonly Row[] Rows =
    [
        // Anyone may create an order that carries both consents.
        new(OrderStep.Create, Phase.None, Phase.Negotiation, When.UntilDeadline),
        new(OrderStep.Pay, Phase.Negotiation, Phase.Lock, When.UntilDeadline, Actor.Requester),
        new(OrderStep.Deliver, Phase.Lock, Phase.Clear, When.UntilDeadline, Actor.Provider),
        new(OrderStep.Reject, Phase.Negotiation, Phase.Rejected, When.Always, Actor.Requester, Actor.Provider),
        new(OrderStep.Reject, Phase.Lock, Phase.Rejected, When.Always, Actor.Provider),
        new(OrderStep.Expire, Phase.Negotiation, Phase.Expired, When.AfterDeadline),
        new(OrderStep.Expire, Phase.Lock, Phase.Expired, When.AfterDeadline),
    ];

    private enum When
    {
        Always,
        UntilDeadline,
        AfterDeadline,
    }

    /// <param name="Who">Empty: anyone.</param>
    private sealed record Row(OrderStep Step, Phase From, Phase To, When When, params Actor[] Who);
}
