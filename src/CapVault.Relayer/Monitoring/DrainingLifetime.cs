using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Monitoring;

/// <summary>
/// Ends the process when it is asked to (SIGTERM, Ctrl-C): first it takes no new work and finishes what is on its way, as far as that takes no longer than
/// the options allow; then streams are told to come back, and it stops. Asked a second time it stops at once. What it leaves is carried on at the next start.
/// </summary>
public sealed class DrainingLifetime(IHostApplicationLifetime lifetime, Draining draining, IOptions<RelayerOptions> options, ILogger<DrainingLifetime> log)
    : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly CancellationTokenSource _hurry = new();
    private int _asked;

    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT])
        {
            _signals.Add(PosixSignalRegistration.Create(signal, OnSignal));
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose()
    {
        _signals.ForEach(signal => signal.Dispose());
        _hurry.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _asked) == 1)
        {
            _ = StopAsync();
        }
        else
        {
            _ = _hurry.CancelAsync();
        }
    }

    private async Task StopAsync()
    {
        draining.IsOn = true;
        log.LogInformation("Stopping: no new work; finishing what is on its way, for {Seconds} s at most", options.Value.DrainSeconds);
        _hurry.CancelAfter(TimeSpan.FromSeconds(options.Value.DrainSeconds));
        try
        {
            await draining.FinishAsync(_hurry.Token);
        }
        catch (OperationCanceledException)
        {
            log.LogWarning("Time is over; what is still on its way, the next start carries on");
        }
        catch (Exception exception)
        {
            log.LogWarning(exception, "What is still on its way is not known; the next start carries it on");
        }

        lifetime.StopApplication();
    }
}
