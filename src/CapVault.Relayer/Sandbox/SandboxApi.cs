using System.Globalization;
using System.Numerics;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Microsoft.Extensions.Options;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Relayer.Sandbox;

/// <summary>Routes <c>/sandbox</c>: test money, and a clock to wind forward. Mapped only where the chain is a local Anvil.</summary>
public static class SandboxApi
{
    private const int AnvilChainId = 31337;
    private static readonly BigInteger MaxFaucet = 1_000_000_000_000;

    /// <summary>Refuses to make a sandbox of anything but a local Anvil, and sets the clock to where its chain's was left.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public static async Task PrepareSandboxAsync(this IServiceProvider services, CancellationToken cancellationToken)
    {
        var options = services.GetRequiredService<IOptions<RelayerOptions>>().Value;
        var chain = services.GetRequiredService<ChainClient>();
        var chainId = await chain.GetChainIdAsync(cancellationToken);
        var node = await chain.RequestAsync<string>("web3_clientVersion", cancellationToken);
        if (chainId != AnvilChainId || !node.StartsWith("anvil", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"Sandbox: found chain {chainId} on {node}, expected {AnvilChainId} on Anvil. Leave Sandbox out on a real chain.");
        }

        if (options.FaucetKey.Length == 0)
        {
            throw new InvalidOperationException("FaucetKey: found nothing, expected the private key of the sandbox USDC's minter.");
        }

        var clock = services.GetRequiredService<SandboxClock>();
        var head = await chain.GetHeadAsync(cancellationToken);
        clock.Advance(Math.Max(0, (long)head.Timestamp.Value - clock.GetUtcNow().ToUnixTimeSeconds()));
    }

    /// <summary>Maps the routes.</summary>
    public static void MapSandbox(this RouteGroupBuilder api)
    {
        var sandbox = api.MapGroup("/sandbox");
        sandbox.AddEndpointFilter(async (context, next) =>
        {
            context.HttpContext.Caller().RequireOperator();
            if (context.HttpContext.Connection.RemoteIpAddress is { } address && !System.Net.IPAddress.IsLoopback(address))
            {
                throw ApiException.Forbidden("The sandbox is for callers on the same machine.");
            }

            return await next(context);
        });

        sandbox.MapPost("/faucet", async (HttpContext context, Faucet faucet) =>
        {
            var request = await RequestBody.ReadAsync<FaucetRequest>(context.Request, context.RequestAborted);
            var address = Fields.Address("address", request.Address);
            var amount = Fields.Amount("amount", request.Amount, MaxFaucet);
            return Envelopes.Ok(context, new { txHash = await faucet.MintAsync(address, amount, context.IdempotentCall(), context.RequestAborted) });
        });

        sandbox.MapPost("/clock/advance", async (HttpContext context, Db db, ChainClient chain, SandboxClock clock, ChainClock chainClock, Follower follower) =>
        {
            var request = await RequestBody.ReadAsync<AdvanceClockRequest>(context.Request, context.RequestAborted);
            var seconds = Fields.Range("seconds", request.Seconds, 1, 31_536_000);
            var target = await ClaimTargetAsync(db, context.IdempotentCall(), chainClock.Now + seconds, context.RequestAborted);
            if (target - chainClock.Now is var ahead and > 0)
            {
                await chain.RequestAsync<object>("evm_increaseTime", context.RequestAborted, ahead);
                await chain.RequestAsync<object>("evm_mine", context.RequestAborted);
                clock.Advance(ahead);
            }

            // Until the relayer itself has seen it: the caller's next step counts on it.
            for (var applied = follower.Applied.Next; chainClock.HeadTime < target; applied = follower.Applied.Next)
            {
                await Task.WhenAny(applied, Task.Delay(100, context.RequestAborted));
            }

            return Envelopes.Ok(context, new { chainTime = chainClock.Now });
        });
    }

    // A repeat aims at the time that the first call aimed at.
    private static Task<long> ClaimTargetAsync(Db db, IdempotentCall call, long target, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            if (!await call.ClaimAsync(tx))
            {
                return long.Parse(call.Made!, CultureInfo.InvariantCulture);
            }

            await call.RememberAsync(tx, target.ToString(CultureInfo.InvariantCulture));
            return target;
        },
        cancellationToken);
}
