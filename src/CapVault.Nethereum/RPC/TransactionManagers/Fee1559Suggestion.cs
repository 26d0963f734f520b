using System.Numerics;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.Blocks;
using Nethereum.RPC.Eth.DTOs;

namespace Nethereum.RPC.Fee1559Suggestions;

/// <summary>Fees of an EIP-1559 transaction, wei per gas.</summary>
public class Fee1559
{
    public BigInteger? BaseFee { get; set; }

    public BigInteger? MaxPriorityFeePerGas { get; set; }

    public BigInteger? MaxFeePerGas { get; set; }
}

/// <summary>Proposes fees.</summary>
public interface IFee1559SuggestionStrategy
{
    Task<Fee1559> SuggestFeeAsync(BigInteger? maxPriorityFeePerGas = null);
}

/// <summary>A tip of 2 gwei above twice the latest base fee, which holds for six full blocks.</summary>
internal sealed class LatestBlockFeeSuggestion(IClient client) : IFee1559SuggestionStrategy
{
    private static readonly BigInteger DefaultTip = 2_000_000_000;

    public async Task<Fee1559> SuggestFeeAsync(BigInteger? maxPriorityFeePerGas = null)
    {
        var latest = await new EthGetBlockWithTransactionsHashesByNumber(client).SendRequestAsync(BlockParameter.CreateLatest());
        var tip = maxPriorityFeePerGas ?? DefaultTip;
        return new Fee1559 { BaseFee = latest.BaseFeePerGas.Value, MaxPriorityFeePerGas = tip, MaxFeePerGas = (latest.BaseFeePerGas.Value * 2) + tip };
    }
}
