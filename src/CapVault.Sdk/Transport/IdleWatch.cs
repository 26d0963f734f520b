namespace CapVault.Sdk.Transport;

/// <summary>Ends a transfer on which nothing has moved for a minute. How long a whole one takes is up to its size and the line.</summary>
internal sealed class IdleWatch : IDisposable
{
    private static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _silence;
    private readonly CancellationTokenSource _either;

    public IdleWatch(TimeProvider time, CancellationToken cancellationToken)
    {
        _silence = new CancellationTokenSource(LongestSilence, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_silence.Token, cancellationToken);
    }

    /// <summary>Cancelled by the caller, or by the silence.</summary>
    public CancellationToken Token => _either.Token;

    public bool IsSilent => _silence.IsCancellationRequested;

    /// <summary>Something moved.</summary>
    public void Restart() => _silence.CancelAfter(LongestSilence);

    public void Dispose()
    {
        _either.Dispose();
        _silence.Dispose();
    }
}
