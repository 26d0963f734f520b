namespace CapVault.Sdk;

/// <summary>Something went wrong on a stream, which goes on unless <see cref="IsFinal"/>.</summary>
/// <param name="exception">What a handler threw, why the connection was lost, or what the server complained about.</param>
/// <param name="event">The event whose handler threw; otherwise null.</param>
/// <param name="isFinal">Whether the stream has ended.</param>
public sealed class StreamErrorEventArgs(Exception exception, CapEvent? @event, bool isFinal) : EventArgs
{
    /// <summary>What a handler threw, why the connection was lost, or what the server complained about.</summary>
    public Exception Exception => exception;

    /// <summary>The event whose handler threw; otherwise null.</summary>
    public CapEvent? Event => @event;

    /// <summary>Whether the stream has ended.</summary>
    public bool IsFinal => isFinal;
}

/// <summary>Events that the relayer no longer has: read the agent's orders anew.</summary>
/// <param name="from">First cursor that is lost.</param>
/// <param name="to">Last cursor that is lost.</param>
/// <param name="reason">Why, <c>CURSOR_EXPIRED</c>.</param>
public sealed class StreamGapEventArgs(string? from, string? to, string reason) : EventArgs
{
    /// <summary>First cursor that is lost.</summary>
    public string? From => from;

    /// <summary>Last cursor that is lost.</summary>
    public string? To => to;

    /// <summary>Why, <c>CURSOR_EXPIRED</c>.</summary>
    public string Reason => reason;
}
