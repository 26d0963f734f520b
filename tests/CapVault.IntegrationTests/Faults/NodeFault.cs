namespace CapVault.IntegrationTests.Faults;

/// <summary>How a node can be bad without lying about what is final.</summary>
internal enum NodeFault
{
    None,

    /// <summary>It does what it is asked, and the reply does not come.</summary>
    DroppedReplies,

    /// <summary>It takes its time, before or after.</summary>
    Delays,

    /// <summary>What it is asked reaches it twice; the second reply comes.</summary>
    Duplicates,

    /// <summary>Several nodes behind one address, some of them a few blocks behind.</summary>
    StaleHeads,

    /// <summary>It says "already known" of transactions that it takes, and of others that it does not.</summary>
    AlreadyKnown,

    /// <summary>It says "nonce too low" of transactions that it takes, and of others that it does not.</summary>
    NonceTooLow,

    /// <summary>It says "replacement transaction underpriced" of transactions that it takes, and of others that it does not.</summary>
    Underpriced,

    /// <summary>It is away.</summary>
    Cut,
}
