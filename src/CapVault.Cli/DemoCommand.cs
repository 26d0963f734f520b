using System.CommandLine;
using CapVault.Cli.Sandbox;

namespace CapVault.Cli;

/// <summary><c>sandbox demo</c>: the main job, told step by step.</summary>
internal static class DemoCommand
{
    public static Command Create() =>
        new Command("demo", "One order from negotiation to settlement, one rejection and one expiry with refund, in the running sandbox.")
            .Runs(async (session, cancellationToken) =>
            {
                using var setup = session.Setup();
                await using var demo = await Demo.StartAsync(session.Sandbox(), setup, session.Print, cancellationToken);
                await demo.SettleAsync(cancellationToken);
                await demo.RejectAsync(cancellationToken);
                await demo.ExpireAsync(cancellationToken);
                session.Print.Result(demo.Transactions, print => print.Line("\nAll of it happened on chain, and every amount adds up."));
            });
}
