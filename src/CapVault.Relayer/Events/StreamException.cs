namespace CapVault.Relayer.Events;

/// <summary>Ends a WebSocket: what the client did, as an error frame says it, and the close code.</summary>
/// <param name="closeCode">One of <see cref="CloseCodes"/>.</param>
/// <param name="code">Error code.</param>
/// <param name="message">What was found, and what was expected.</param>
public sealed class StreamException(int closeCode, string code, string message) : Exception(message)
{
    /// <summary>One of <see cref="CloseCodes"/>.</summary>
    public int CloseCode => closeCode;

    /// <summary>Error code.</summary>
    public string Code => code;
}

/// <summary>Why a stream ended. What breaks WebSocket itself the framework cuts, with 1002 for a broken frame and 1007 for text that is not UTF-8.</summary>
public static class CloseCodes
{
    /// <summary>The relayer stops; come back shortly.</summary>
    public const int Restart = 1012;

    /// <summary>A frame that is not one of the protocol.</summary>
    public const int BadFrame = 4400;

    /// <summary>The key was revoked.</summary>
    public const int Unauthorised = 4401;

    /// <summary>Nothing was heard from the client, or it did not read, for two heartbeats.</summary>
    public const int HeartbeatTimeout = 4408;

    /// <summary>More frames than a client has reason to send.</summary>
    public const int TooFast = 4429;
}
