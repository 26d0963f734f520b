using CapVault.Contracts;
using CapVault.Relayer.Chain;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Rpc;

/// <summary>The methods by their names.</summary>
public sealed class RpcMethods(ChainContext context, GasOracle gas, Submissions submissions, GasEstimates estimates, OperationViews views, PaymasterService paymaster)
{
    /// <summary>Calls one.</summary>
    /// <exception cref="RpcException">It refuses, or there is none of that name.</exception>
    public async Task<object?> CallAsync(string method, RpcCall call, CancellationToken cancellationToken) => method switch
    {
        "eth_chainId" => RpcFields.Hex(context.ChainId),
        "eth_supportedEntryPoints" => new[] { context.EntryPoint },
        "eth_sendUserOperation" => await SendAsync(call, cancellationToken),
        "eth_estimateUserOperationGas" => await EstimateAsync(call, cancellationToken),
        "eth_getUserOperationByHash" => await views.ByHashAsync(RpcFields.Hash(call[0], "userOpHash"), cancellationToken),
        "eth_getUserOperationReceipt" => await views.ReceiptAsync(RpcFields.Hash(call[0], "userOpHash"), cancellationToken),
        "pm_getPaymasterStubData" => await SponsorAsync(call, isStub: true, cancellationToken),
        "pm_getPaymasterData" => await SponsorAsync(call, isStub: false, cancellationToken),
        "pimlico_getUserOperationGasPrice" => GasPrice(),
        "pimlico_getUserOperationStatus" => await views.StatusAsync(RpcFields.Hash(call[0], "userOpHash"), cancellationToken),
        _ => throw new RpcException(RpcException.Method, $"There is no method {Http.ApiException.Quote(method)} here."),
    };

    private async Task<string> SendAsync(RpcCall call, CancellationToken cancellationToken)
    {
        RequireEntryPoint(call);
        var hash = await submissions.SendAsync(RpcUserOperation.Read(call[0], isComplete: true), call.Payer, cancellationToken);
        return hash.ToHex(prefix: true);
    }

    private Task<object> EstimateAsync(RpcCall call, CancellationToken cancellationToken)
    {
        RequireEntryPoint(call);
        return estimates.EstimateAsync(RpcUserOperation.Read(call[0], isComplete: false), StateOverrides.Read(call[2]), cancellationToken);
    }

    private Task<object> SponsorAsync(RpcCall call, bool isStub, CancellationToken cancellationToken)
    {
        RequireEntryPoint(call);
        var chainId = RpcFields.Quantity(call[2], "chainId", bits: 256);
        if (chainId != context.ChainId)
        {
            throw RpcException.Invalid("chainId", chainId.ToString(System.Globalization.CultureInfo.InvariantCulture), $"{context.ChainId}, the chain of this relayer");
        }

        // The fourth parameter is the service's own: ours needs none.
        var operation = RpcUserOperation.Read(call[0], isComplete: false);
        return isStub ? paymaster.StubAsync(operation, call.Payer, cancellationToken) : paymaster.SponsorAsync(operation, call.Payer, cancellationToken);
    }

    private void RequireEntryPoint(RpcCall call)
    {
        if (!RpcFields.Address(call[1], "entryPoint").AsSpan().SequenceEqual(context.EntryPoint.HexToByteArray()))
        {
            throw RpcException.Invalid("entryPoint", RpcException.Text(call[1]), $"{context.EntryPoint}, the EntryPoint of this relayer");
        }
    }

    // Of the base fee twice, three and four times: each lasts longer while it rises.
    private object GasPrice()
    {
        object Of(int times) => new { maxFeePerGas = RpcFields.Hex((gas.BaseFee * times) + gas.PriorityFee), maxPriorityFeePerGas = RpcFields.Hex(gas.PriorityFee) };
        return new { slow = Of(2), standard = Of(3), fast = Of(4) };
    }
}
