namespace CapVault.IntegrationTests.Faults;

/// <summary>Between which two points of a transaction's way the relayer is killed.</summary>
internal enum KillPoint
{
    /// <summary>At any moment, also before it is up.</summary>
    Anywhere,

    /// <summary>The signed bytes are committed, and the node has not got them.</summary>
    CommitSend,

    /// <summary>The node has them, and the relayer does not know.</summary>
    SendAccept,

    /// <summary>The relayer knows, and no block has them.</summary>
    AcceptMined,

    /// <summary>A block has them, and the relayer is reading it.</summary>
    MinedIndexed,

    /// <summary>The block is applied, and its events have no numbers yet, so that nobody was told.</summary>
    IndexedPublished,
}
